/** What each view loads: nothing of what it does not show. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kernelOptionsOf } from '../../../receiver/agent/view-options.ts';
import { programsOf } from '../../../receiver/source/plan.ts';
import { kernelRulesOf } from '../../../receiver/views/filter.ts';
import { optionsOf } from '../../../receiver/views/help.ts';
import { VIEWS } from '../../../receiver/views/index.ts';
import { parseViewArguments } from '../../../receiver/views/options.ts';
import { tcpconnect } from '../../../receiver/views/tcpconnect.ts';
import { LINUX_6_18_BARE } from '../source/kernels.ts';
import { planWith } from '../source/plan-for.ts';

/** Each program that a view loads on a kernel without trampolines, by the alphabet. */
function programsWith(name: string, ...words: readonly string[]): readonly string[] {
  const view = VIEWS.find((each) => each.name === name) ?? assert.fail(name);
  const args = parseViewArguments(name, optionsOf(view), words, view.words);
  const include = kernelRulesOf(args, view.ports?.(args) ?? {});
  const options = kernelOptionsOf(view.needs(args), include, []);
  return programsOf(planWith(LINUX_6_18_BARE, options)).toSorted();
}

const SELF = ['ws_self'];
const SOCKETS = [
  'ws_destroy',
  'ws_error',
  'ws_retransmit_synack',
  'ws_scan',
  'ws_self',
  'ws_state',
  'ws_write',
];
/** At the end of system calls. */
const CALLS = ['ws_accept_sys_exit', 'ws_connect_sys_exit'];
const WALKS = ['ws_cpus', 'ws_holders', 'ws_pass_files', 'ws_pass_table', 'ws_states', 'ws_take_row'];
const PACKETS = ['backlog', 'freed', 'lost', 'queue', 'receive', 'tcp', 'transmit'].map(
  (at) => `ws_packet_${at}`,
);

const NEEDED: Readonly<Record<string, readonly string[]>> = {
  netpod: [...PACKETS, ...SELF],
  softirqs: [...SELF, 'ws_softirq_entry', 'ws_softirq_exit'],
  solisten: SOCKETS,
  tcpaccept: [...SOCKETS, ...CALLS],
  tcpconnect: [...SOCKETS, ...CALLS],
  tcpconnlat: SOCKETS,
  tcpdrop: [...SOCKETS, 'ws_drop'],
  tcplife: SOCKETS,
  tcpretrans: [...SOCKETS, 'ws_retransmit'],
  tcprtt: [...SELF, 'ws_rtt_sample'],
  tcpstates: SOCKETS,
  tcpsubnet: [...SOCKETS, ...WALKS],
  tcpsynbl: [...SELF, 'ws_backlog_sample'],
  tcptop: [...SOCKETS, ...WALKS],
  tcptrace: [...PACKETS, 'ws_packet_read', 'ws_packet_ready', ...SELF],
  tcptracer: [...SOCKETS, ...CALLS],
  top: [...SOCKETS, ...WALKS, 'ws_retransmit'],
};

test('a view loads exactly the programs that it needs', () => {
  assert.deepEqual(
    VIEWS.map(({ name }) => [name, programsWith(name)]),
    VIEWS.map(({ name }) => [name, (NEEDED[name] ?? []).toSorted()]),
  );
});

test('samples of some sockets need who has them', () => {
  assert.deepEqual(programsWith('tcprtt', '--pid', '7'), [...SOCKETS, 'ws_rtt_sample'].toSorted());
  assert.deepEqual(programsWith('tcpsynbl', '-L', '443'), [...SOCKETS, 'ws_backlog_sample'].toSorted());
});

test('the rules of processes are asked for again only where a control group may be made anew', () => {
  const again = ['ws_refilter', 'ws_refilter_files'];
  assert.deepEqual(programsWith('tcplife', '-p', '7'), SOCKETS);
  assert.deepEqual(programsWith('tcplife', '--cgroup', '/here'), [...SOCKETS, ...again].toSorted());
});

test('what a view reads of requests is loaded when it is asked for', () => {
  const requests = ['ws_announce', 'ws_arrive'];
  assert.deepEqual(
    programsWith('tcpretrans', '--trace'),
    [...SOCKETS, 'ws_retransmit', ...requests].toSorted(),
  );
});

test('what name servers answer is read when names are asked for, and nobody else does without it', () => {
  assert.deepEqual(programsWith('tcpconnect', '-d'), [...SOCKETS, ...CALLS, 'ws_dns_answer'].toSorted());
  const probesOf = (...argv: readonly string[]): readonly string[] =>
    tcpconnect.needs(parseViewArguments('tcpconnect', optionsOf(tcpconnect), argv)).probes;
  assert.deepEqual(probesOf(), ['inet_sock_set_state', 'inet_stream_connect']);
  assert.deepEqual(probesOf('-d'), [...probesOf(), 'dns_ingress']);
});
