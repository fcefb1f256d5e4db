/**
 * Which program serves each need on this kernel. Nothing is decided by version:
 * the first variant that the kernel takes is used, and what is missing is said.
 */

/** What the plan asks the running kernel. */
export interface KernelAnswers {
  /** Arguments of the tracepoint, undefined when the kernel lacks it. */
  tracepointArity(tracepoint: string): number | undefined;
  /** Loads this one program and takes it away again. */
  canLoad(program: string): { readonly ok: boolean; readonly why?: string };
}

export interface PlanOptions {
  readonly costlyVariants: boolean;
  readonly retransmits: boolean;
  readonly drops: boolean;
  readonly resets: boolean;
  readonly softirqs: boolean;
  readonly softirqWait: boolean;
  /** How long data waits to be read. */
  readonly receive: boolean;
  /** Trace context of HTTP/1 requests, and the owner at a first write. */
  readonly writes: boolean;
  /** With `writes`: the former is wanted. */
  readonly requests: boolean;
}

export interface ChosenProgram {
  readonly program: string;
  /** `wirespan.agent.probe.name`. */
  readonly probe: string;
}

export interface Plan {
  /** Attached, in this order. */
  readonly attached: readonly ChosenProgram[];
  /** Run on demand. */
  readonly iterators: {
    /** Tells the programs who the agent is. */
    readonly self: string;
    readonly scan: string;
    /** One after the other; each leaves alone what one before it met. */
    readonly pass: readonly string[];
    readonly states: string;
    /** What the filter's rules say of known processes, and of those that there was no room for. */
    readonly owners: readonly string[];
  };
  /** Probes that this kernel refuses, with its reason. */
  readonly missing: readonly { readonly probe: string; readonly why: string }[];
  readonly disabled: readonly string[];
  readonly accept: 'fexit' | 'kprobe' | 'sys_exit' | 'none';
  /** Accepts are noted by the socket's address, and taken over by the next program that meets it. */
  readonly isAcceptByAddress: boolean;
  /** What is kept of a socket is found by its address, else it is in the socket's own storage. */
  readonly isConnTable: boolean;
  /** The write's program knows sockets by their address only: it names no owner. */
  readonly isRequestByAddress: boolean;
  readonly hasRetransmitError: boolean;
  readonly hasDropReason: boolean;
  readonly hasDropReceiver: boolean;
  readonly hasResetReason: boolean;
}

interface Simple {
  readonly program: string;
  readonly tracepoint: string;
  readonly wanted: boolean;
}

const WRITE_KPROBE = 'ws_write_kprobe';
const PASS_TABLE = 'ws_pass_table';
const PASS_FILES = 'ws_pass_files';
/** How a write is seen without its tracepoint, best first. */
const WRITES = [
  ['fentry', 'ws_write_fentry'],
  ['a kprobe', WRITE_KPROBE],
] as const;

/** How an accept is seen, best first; of each, the programs to try in turn. */
const ACCEPTS: readonly {
  readonly accept: Exclude<Plan['accept'], 'none'>;
  readonly words: string;
  readonly programs: readonly string[];
  readonly isCostly?: boolean;
}[] = [
  { accept: 'fexit', words: 'fexit', programs: ['ws_accept_fexit2', 'ws_accept_fexit4'] },
  { accept: 'kprobe', words: 'a kprobe', programs: ['ws_accept_kprobe'] },
  { accept: 'sys_exit', words: 'sys_exit', programs: ['ws_accept_sys_exit'], isCostly: true },
];

/** @throws never; a kernel without `inet_sock_set_state` shows in `missing` */
export function makePlan(answers: KernelAnswers, options: PlanOptions): Plan {
  const attached: ChosenProgram[] = [];
  const missing: { probe: string; why: string }[] = [];
  const disabled: string[] = [];
  const accept = chooseAccept(answers, options, attached, missing);
  for (const { program, tracepoint, wanted } of simplePrograms(options)) {
    if (!wanted) disabled.push(tracepoint);
    else if (answers.tracepointArity(tracepoint) === undefined)
      missing.push({ probe: tracepoint, why: 'the kernel has no such tracepoint' });
    else attached.push({ program, probe: tracepoint });
  }
  if (options.writes) chooseWrite(answers, options, attached, missing);
  else disabled.push('tcp_sendmsg_locked');
  const pass = choosePass(answers, accept);
  const drop = answers.tracepointArity('kfree_skb') ?? 0;
  return {
    attached,
    missing,
    disabled,
    accept,
    isRequestByAddress: attached.some(({ program }) => program === WRITE_KPROBE),
    isConnTable: pass.includes(PASS_TABLE),
    isAcceptByAddress: accept === 'kprobe' || accept === 'sys_exit',
    iterators: {
      self: 'ws_self',
      scan: 'ws_scan',
      pass,
      states: 'ws_states',
      owners: ['ws_refilter', 'ws_refilter_files'],
    },
    hasRetransmitError: (answers.tracepointArity('tcp_retransmit_skb') ?? 0) > 2,
    hasDropReason: drop > 2,
    hasDropReceiver: drop > 3,
    hasResetReason: (answers.tracepointArity('tcp_send_reset') ?? 0) > 2,
  };
}

/** How the tracked sockets are walked. Where no accept is seen, who has a connection open says whose it is. */
function choosePass(answers: KernelAnswers, accept: Plan['accept']): readonly string[] {
  if (answers.canLoad(PASS_TABLE).ok) return accept === 'none' ? [PASS_FILES, PASS_TABLE] : [PASS_TABLE];
  return [answers.canLoad('ws_pass').ok ? 'ws_pass' : PASS_FILES];
}

function simplePrograms(options: PlanOptions): readonly Simple[] {
  return [
    { program: 'ws_state', tracepoint: 'inet_sock_set_state', wanted: true },
    { program: 'ws_destroy', tracepoint: 'tcp_destroy_sock', wanted: true },
    { program: 'ws_error', tracepoint: 'inet_sk_error_report', wanted: true },
    { program: 'ws_retransmit', tracepoint: 'tcp_retransmit_skb', wanted: options.retransmits },
    { program: 'ws_retransmit_synack', tracepoint: 'tcp_retransmit_synack', wanted: true },
    { program: 'ws_drop', tracepoint: 'kfree_skb', wanted: options.drops },
    { program: 'ws_reset_sent', tracepoint: 'tcp_send_reset', wanted: options.resets },
    { program: 'ws_reset_received', tracepoint: 'tcp_receive_reset', wanted: options.resets },
    { program: 'ws_softirq_raise', tracepoint: 'softirq_raise', wanted: options.softirqWait },
    { program: 'ws_softirq_entry', tracepoint: 'softirq_entry', wanted: options.softirqs },
    { program: 'ws_softirq_exit', tracepoint: 'softirq_exit', wanted: options.softirqs },
    { program: 'ws_data_arrived', tracepoint: 'tcp_probe', wanted: options.receive },
    { program: 'ws_data_read', tracepoint: 'tcp_rcv_space_adjust', wanted: options.receive },
  ];
}

function chooseAccept(
  answers: KernelAnswers,
  options: PlanOptions,
  attached: ChosenProgram[],
  missing: { probe: string; why: string }[],
): Plan['accept'] {
  const refused: string[] = [];
  const allowed = ACCEPTS.filter(({ isCostly }) => !isCostly || options.costlyVariants);
  for (const { accept, words, programs } of allowed) {
    let why = '';
    for (const program of programs) {
      const answer = answers.canLoad(program);
      if (answer.ok) {
        attached.push({ program, probe: 'inet_csk_accept' });
        return accept;
      }
      why = answer.why ?? '';
    }
    refused.push(`${words} is refused (${why})`);
  }
  const advice = options.costlyVariants
    ? ''
    : '; bpf.costly_variants=on measures accept queues at about 140 ns on every system call';
  missing.push({ probe: 'inet_csk_accept', why: `${refused.join(', ')}${advice}` });
  return 'none';
}

function chooseWrite(
  answers: KernelAnswers,
  options: PlanOptions,
  attached: ChosenProgram[],
  missing: { probe: string; why: string }[],
): void {
  if (answers.tracepointArity('tcp_sendmsg_locked') !== undefined) {
    attached.push({ program: 'ws_write', probe: 'tcp_sendmsg_locked' });
    return;
  }
  const refused: string[] = [];
  for (const [words, program] of options.requests ? WRITES : WRITES.slice(0, 1)) {
    const answer = answers.canLoad(program);
    if (answer.ok) {
      attached.push({ program, probe: 'tcp_sendmsg_locked' });
      return;
    }
    refused.push(`${words} is refused (${answer.why ?? ''})`);
  }
  missing.push({ probe: 'tcp_sendmsg_locked', why: `no tracepoint, ${refused.join(', ')}` });
}
