import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  LINUX_5_15,
  LINUX_6_1,
  LINUX_6_12,
  LINUX_6_18_BARE,
  LINUX_6_1_ARM64,
  type Kernel,
} from './kernels.ts';
import { withBestPlan, type Plan } from '../../../receiver/source/plan.ts';
import { answersOf, EVERYTHING, KNOWN, planFor, variableOf } from './plan-for.ts';

function programsOf({ attached }: Plan): string[] {
  const known = new Set([...ACCEPT, ...WRITE, ...CONNECTION, ...RETRANSMIT, ...EXCHANGE, ...REST]);
  return attached.flatMap(({ program }) => (known.has(program) ? [program] : []));
}

/** Arguments of tracepoints that only newer kernels have, and other variables that follow from what was chosen. */
function argumentsOf(plan: Plan): string[] {
  const facts = {
    cfg_retransmit_has_err: 'retransmit error',
    cfg_drop_has_reason: 'drop reason',
    cfg_drop_has_rx_sk: 'drop receiver',
    cfg_reset_has_reason: 'reset reason',
  };
  return Object.entries(facts).flatMap(([name, words]) => (variableOf(plan, name) === true ? [words] : []));
}

const SYN_REFUSED =
  'fentry is refused (errno 1 for ws_syn); requests that leave with the SYN of TCP_FASTOPEN_CONNECT have no trace context';

const EXCHANGE = ['ws_exchange_read'];
const WAKEUPS = [
  'sk_data_ready',
  'sched_waking',
  'sched_wakeup',
  'sched_switch',
  'wakeup_softirq_entry',
  'wakeup_softirq_exit',
];

/** Probes that are off by default. */
const NOT_ASKED_FOR = [
  'http2_write',
  'http2_ingress',
  ...WAKEUPS,
  'zero_window_tcp_probe',
  ...['kfree_skb', 'consume_skb', 'tcp_probe', 'netif_receive_skb', 'netif_rx', 'net_dev_start_xmit'].map(
    (point) => `packet_${point}`,
  ),
  'packet_net_dev_queue',
];

const ACCEPT = ['ws_accept_fexit2', 'ws_accept_fexit4', 'ws_accept_kprobe', 'ws_accept_sys_exit'];
const WRITE = ['ws_write', 'ws_write_fentry', 'ws_write_kprobe', 'ws_syn'];
const CONNECTION = ['ws_state', 'ws_destroy', 'ws_error'];
const RETRANSMIT = ['ws_retransmit', 'ws_retransmit_synack'];
const REST = [
  'ws_drop',
  'ws_reset_sent',
  'ws_reset_received',
  'ws_softirq_raise',
  'ws_softirq_entry',
  'ws_softirq_exit',
  'ws_data_arrived',
  'ws_data_read',
];
/** Every program but the accept's, with this one for the first write. */
const allWith = (write: string): string[] => [
  ...RETRANSMIT,
  ...CONNECTION,
  write,
  ...(write === 'ws_write_fentry' ? ['ws_syn'] : []),
  ...EXCHANGE,
  ...REST,
];

const NAMES_OVERWRITTEN = '; names that a program overwrote in its memory are not known';

describe('the plan', () => {
  it('on a kernel like 5.15', () => {
    const plan = planFor(LINUX_5_15);
    assert.deepEqual(programsOf(plan), ['ws_accept_fexit4', ...allWith('ws_write_fentry')]);
    assert.equal(plan.accept, 'fexit');
    assert.equal(variableOf(plan, 'cfg_accept_by_address'), false);
    assert.deepEqual([plan.missing, plan.disabled], [[], NOT_ASKED_FOR]);
    assert.deepEqual(plan.iterators, {
      self: 'ws_self',
      cpus: [],
      firstPass: ['ws_scan'],
      holders: ['ws_holders'],
      pass: ['ws_pass'],
      settle: ['ws_settle'],
      states: ['ws_states'],
      takeRow: ['ws_take_row'],
      owners: ['ws_refilter', 'ws_refilter_files'],
    });
    assert.deepEqual(argumentsOf(plan), []);
  });

  it('on a kernel like 6.1', () => {
    const plan = planFor(LINUX_6_1);
    assert.deepEqual(programsOf(plan), ['ws_accept_fexit4', ...allWith('ws_write_fentry')]);
    assert.deepEqual(argumentsOf(plan), ['drop reason']);
    assert.deepEqual(plan.iterators.cpus, ['ws_cpus']);
  });

  it('without the tracepoint at the call for data, no part of wake-ups', () => {
    const { missing, attached } = planFor(LINUX_6_1, { wakeupDuration: true });
    assert.deepEqual(
      missing.map(({ probe, why }) => [probe, why]),
      WAKEUPS.map((probe, i) => [
        probe,
        i === 0 ? 'the kernel has no such tracepoint' : 'ws_wakeup_ready is not attached',
      ]),
    );
    assert.ok(!attached.some(({ program }) => program.startsWith('ws_wakeup')));
  });

  it('on a kernel like 6.12', () => {
    const plan = planFor(LINUX_6_12);
    assert.deepEqual(programsOf(plan), ['ws_accept_fexit2', ...allWith('ws_write_fentry')]);
    assert.deepEqual(argumentsOf(plan), ['drop reason', 'drop receiver', 'reset reason']);
    assert.deepEqual(plan.missing, []);
    assert.deepEqual([plan.iterators.pass, plan.isConnTable], [['ws_pass_table'], true]);
  });

  it('on a kernel like 6.18 that refuses trampolines', () => {
    const plan = planFor(LINUX_6_18_BARE);
    assert.deepEqual(programsOf(plan), allWith('ws_write'));
    assert.equal(plan.accept, 'none');
    assert.deepEqual(plan.missing, [
      {
        probe: 'inet_csk_accept',
        why: 'fexit is refused (errno 1 for ws_accept_fexit4), a kprobe is refused (errno 1 for ws_accept_kprobe); bpf.costly_variants=on measures accept queues at about 140 ns on every system call',
      },
      {
        probe: 'inet_stream_connect',
        why: 'fexit is refused (errno 1 for ws_connect_fexit); bpf.costly_variants=on counts connects that fail without a SYN, by a program at every system call',
      },
      { probe: 'tcp_fastopen_cookie_check', why: SYN_REFUSED },
    ]);
    assert.deepEqual(plan.iterators.pass, ['ws_pass_files', 'ws_pass_table']);
    assert.deepEqual(argumentsOf(plan), ['retransmit error', 'drop reason', 'drop receiver', 'reset reason']);
  });

  it('takes kprobes for accepts and writes where there are no trampolines, before the costly variant', () => {
    for (const costlyVariants of [false, true]) {
      const plan = planFor(LINUX_6_1_ARM64, { costlyVariants });
      assert.equal(plan.accept, 'kprobe');
      assert.equal(variableOf(plan, 'cfg_accept_by_address'), true);
      assert.deepEqual(plan.attached[0], { program: 'ws_accept_kprobe', probe: 'inet_csk_accept' });
      assert.ok(programsOf(plan).includes('ws_write_kprobe'));
      assert.equal(variableOf(plan, 'cfg_requests_by_address'), true);
      assert.deepEqual(
        plan.missing.map(({ probe }) => probe),
        [
          ...(costlyVariants ? [] : ['inet_stream_connect']),
          'tcp_fastopen_cookie_check',
          'cgroup_ingress',
          'exchange_read',
        ],
      );
    }
    assert.equal(variableOf(planFor(LINUX_6_1), 'cfg_requests_by_address'), false);
  });

  it('takes no kprobe for writes when no trace contexts are wanted: it names no owner', () => {
    const plan = planFor(LINUX_6_1_ARM64, { requests: false, threadContext: false });
    assert.ok(!programsOf(plan).includes('ws_write_kprobe'));
    assert.deepEqual(
      plan.missing.filter(({ probe }) => probe === 'tcp_sendmsg_locked').map(({ why }) => why),
      ['no tracepoint, fentry is refused (errno 1 for ws_write_fentry)'],
    );
  });

  it('meets requests with a SYN at connect() only where no program of its own does', () => {
    const atConnect = (kernel: Kernel): unknown => variableOf(planFor(kernel), 'cfg_syn_at_connect');
    assert.deepEqual(
      [LINUX_6_1, LINUX_6_1_ARM64, LINUX_6_12, LINUX_6_18_BARE].map((kernel) => atConnect(kernel)),
      [false, false, false, true],
    );
  });

  it('takes the costly accept only where it is allowed and nothing better loads', () => {
    const allowed = planFor(LINUX_6_18_BARE, { costlyVariants: true });
    assert.equal(allowed.accept, 'sys_exit');
    assert.deepEqual(allowed.attached[0], { program: 'ws_accept_sys_exit', probe: 'inet_csk_accept' });
    assert.deepEqual(
      allowed.missing.map(({ probe }) => probe),
      ['tcp_fastopen_cookie_check'],
    );
    assert.equal(planFor(LINUX_6_12, { costlyVariants: true }).accept, 'fexit');
  });

  it('does not load the costly accept to find out, unless it is allowed', () => {
    const asked: string[] = [];
    withBestPlan(answersOf(LINUX_6_18_BARE, asked), EVERYTHING, (plan) => plan);
    assert.ok(!asked.includes('ws_accept_sys_exit'));
  });

  it('does not advise a switch that is on already', () => {
    const { missing, accept } = planFor({ ...LINUX_6_18_BARE, loads: [] }, { costlyVariants: true });
    assert.equal(accept, 'none');
    assert.equal(
      missing[0]?.why,
      'fexit is refused (errno 1 for ws_accept_fexit4), a kprobe is refused (errno 1 for ws_accept_kprobe), sys_exit is refused (errno 1 for ws_accept_sys_exit)',
    );
  });

  it('says of every probe why it is missing', () => {
    const plan = planFor({ tracepoints: {}, loads: [] });
    assert.deepEqual(programsOf(plan), []);
    const none = 'the kernel has no such tracepoint';
    assert.deepEqual(
      plan.missing.slice(1).map(({ probe, why }) => [probe, why]),
      [
        ['tcp_retransmit_skb', none],
        ['tcp_retransmit_synack', none],
        ['inet_sock_set_state', none],
        ['tcp_destroy_sock', none],
        ['inet_sk_error_report', none],
        [
          'inet_stream_connect',
          'fexit is refused (errno 1 for ws_connect_fexit); bpf.costly_variants=on counts connects that fail without a SYN, by a program at every system call',
        ],
        [
          'tcp_sendmsg_locked',
          'no tracepoint, fentry is refused (errno 1 for ws_write_fentry), a kprobe is refused (errno 1 for ws_write_kprobe)',
        ],
        ['tcp_fastopen_cookie_check', SYN_REFUSED],
        [
          'cgroup_ingress',
          'ws_write or ws_write_fentry is not attached: what the answers of local servers lose is on no trace. It needs CAP_NET_ADMIN, a mounted cgroup v2, and writes that are met without a kprobe; correlation.http1=clients does without',
        ],
        [
          'cgroup_setsockopt',
          'cgroup/setsockopt is refused (errno 1 for ws_announce): what applications announce of their sockets is not heard. It needs CAP_NET_ADMIN and a mounted cgroup v2; correlation.hook=off does without',
        ],
        ['exchange_read', 'ws_arrive is not attached'],
        ['kfree_skb', none],
        ['tcp_send_reset', none],
        ['tcp_receive_reset', none],
        ['softirq_raise', none],
        ['softirq_entry', none],
        ['softirq_exit', none],
        ['tcp_probe', none],
        ['tcp_rcv_space_adjust', none],
        ...['exec', 'fork', 'exit'].map((what) => [
          `sched_process_${what}`,
          `tp_btf is refused (errno 1 for ws_${what})${NAMES_OVERWRITTEN}`,
        ]),
      ],
    );
    assert.equal(plan.missing[0]?.probe, 'inet_csk_accept');
    assert.deepEqual(argumentsOf(plan), []);
  });

  it('attaches nothing that was not asked for, and does not call it missing', () => {
    const plan = planFor(LINUX_6_12, {
      retransmits: false,
      drops: false,
      resets: false,
      softirqs: false,
      softirqWait: false,
      receive: false,
      exchangePhases: false,
    });
    assert.deepEqual(programsOf(plan), [
      'ws_accept_fexit2',
      'ws_retransmit_synack',
      'ws_state',
      'ws_destroy',
      'ws_error',
      'ws_write_fentry',
      'ws_syn',
    ]);
    assert.deepEqual(plan.missing, []);
    assert.deepEqual(
      plan.disabled.filter((name) => KNOWN.has(name)),
      [
        'tcp_retransmit_skb',
        'kfree_skb',
        'tcp_send_reset',
        'tcp_receive_reset',
        'softirq_raise',
        'softirq_entry',
        'softirq_exit',
        'tcp_probe',
        'tcp_rcv_space_adjust',
        'sk_data_ready',
      ],
    );
  });
});
