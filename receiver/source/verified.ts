/**
 * Instructions that the verifier reads of each program of the default set (`verified_insns`, Linux 6.18), where that is
 * more than 10,000: by them the parts that are loaded side by side are as heavy as each other. A wrong number makes a start slower, nothing else.
 */
export const VERIFIED_INSTRUCTIONS: Readonly<Record<string, number>> = {
  ws_state: 252_578,
  ws_write: 205_357,
  ws_arrive: 88_983,
  ws_pass_files: 81_484,
  ws_pass_table: 69_189,
  ws_scan: 66_062,
  ws_error: 61_845,
  ws_destroy: 61_808,
  ws_holders: 35_737,
  ws_refilter_files: 35_282,
  ws_drop: 31_174,
  ws_cpus: 17_427,
  ws_retransmit: 15_608,
  ws_reset_received: 14_028,
  ws_reset_sent: 13_652,
  ws_retransmit_synack: 12_627,
  ws_refilter: 11_269,
};
