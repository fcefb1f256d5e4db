/** What the kernel's rows are told apart by besides the usual: each multiplies them. */
export interface RowDetails {
  /** Connections: the address of the server's end. */
  readonly serverAddress: boolean;
  /** Listeners: the address that they listen at. */
  readonly localAddress: boolean;
  /** Resets: the peer's subnet. */
  readonly resetCidr: boolean;
  /** Retransmits: the state of their socket. */
  readonly retransmitState: boolean;
  /** State durations: the server's port. */
  readonly statePort: boolean;
  readonly dropFunction: boolean;
  readonly dropInterface: boolean;
  readonly dropState: boolean;
  readonly dropPort: boolean;
}

/** Their variables in bpf/lib/config.bpf.h. */
const KNOBS: Readonly<Record<keyof RowDetails, string>> = {
  serverAddress: 'cfg_server_address',
  localAddress: 'cfg_local_address',
  resetCidr: 'cfg_reset_cidr',
  retransmitState: 'cfg_retransmit_state',
  statePort: 'cfg_state_port',
  dropFunction: 'cfg_drop_function',
  dropInterface: 'cfg_drop_interface',
  dropState: 'cfg_drop_state',
  dropPort: 'cfg_drop_port',
};

export function detailKnobs(details: RowDetails): Readonly<Record<string, boolean>> {
  return Object.fromEntries(
    Object.entries(KNOBS).map(([name, knob]) => [knob, details[name as keyof RowDetails]]),
  );
}
