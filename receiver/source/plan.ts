/**
 * Which program serves each need on this kernel. Nothing is decided by version:
 * the first variant that the kernel takes is used, and what is missing is said.
 */
import { FAMILIES, type FamilyOptions } from '../signals/index.ts';
import { followsSockets, type CommonOptions, type Probe, type ProbeVariant } from '../signals/kernel.ts';
import { TAKE_ROW } from './row-maps.ts';

/** What the plan asks the running kernel. */
export interface KernelAnswers {
  /** Arguments of the tracepoint, undefined when the kernel lacks it. */
  tracepointArity(tracepoint: string): number | undefined;
  /** Whether it takes this program. */
  canLoad(program: string): { readonly ok: boolean; readonly why?: string };
  /** Takes in what a failed load says: the program that was refused, for which the answer is another from now on. */
  learn?(error: unknown): string | undefined;
  /** Gives back what the questions needed; another one may follow. */
  close?(): void;
}

/** What decides which probes are wanted. */
export type PlanOptions = CommonOptions & FamilyOptions;

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
    /** Finds out where each CPU's counters are; none where the kernel does not tell, or nobody reads them. */
    readonly cpus: readonly string[];
    /** Meets what is older than the agent, once. */
    readonly firstPass: readonly string[];
    /** Who has listeners open. */
    readonly holders: readonly string[];
    /** One after the other; each leaves alone what one before it met. */
    readonly pass: readonly string[];
    /** Before a pass: decides what is not sure when it is seen. */
    readonly settle: readonly string[];
    readonly states: readonly string[];
    /** Takes a row of sums out. */
    readonly takeRow: readonly string[];
    /** What the filter's rules say of known processes, and of those that there was no room for. */
    readonly owners: readonly string[];
  };
  /** Probes that this kernel refuses, with its reason. */
  readonly missing: readonly { readonly probe: string; readonly why: string }[];
  readonly disabled: readonly string[];
  readonly accept: 'fexit' | 'kprobe' | 'sys_exit' | 'none';
  /** What is kept of a socket is found by its address, else it is in the socket's own storage. */
  readonly isConnTable: boolean;
  /** Arguments of the tracepoints that the kernel has. */
  readonly arities: Readonly<Record<string, number>>;
}

/** Linux 5.19. */
const CPUS = ['ws_cpus'];
const PASS_TABLE = 'ws_pass_table';
const PASS_FILES = 'ws_pass_files';
const RESET = 'ws_reset_received';
/** The probe whose program says who has a connection. */
const ACCEPT = 'inet_csk_accept';

/** The plan that the answers make; what they needed is given back. */
export function planFor(answers: KernelAnswers, options: PlanOptions): Plan {
  const plan = makePlan(answers, options);
  answers.close?.();
  return plan;
}

/** Loads a plan: again without a program that the kernel refuses, as long as something takes its place. */
export function withBestPlan<T>(
  answers: KernelAnswers,
  options: PlanOptions,
  load: (plan: Plan) => T,
  plan = planFor(answers, options),
): T {
  for (;;)
    try {
      return load(plan);
    } catch (error) {
      const refused = answers.learn?.(error);
      if (refused === undefined) throw error;
      plan = planFor(answers, options);
      if (programsOf(plan).includes(refused)) throw error;
    }
}

/** All that a plan loads. */
export function programsOf({ attached, iterators }: Plan): readonly string[] {
  return [...attached.map(({ program }) => program), ...Object.values(iterators).flat()];
}

/** A kernel without `inet_sock_set_state` shows in `missing`. */
function makePlan(answers: KernelAnswers, options: PlanOptions): Plan {
  const probes = FAMILIES.flatMap((family) => family.probes ?? []);
  const { attached, missing, disabled } = chooseProbes(probes, answers, options);
  const accept = acceptOf(attached);
  const pass = choosePass(answers, accept);
  return {
    attached,
    missing,
    disabled,
    accept,
    arities: aritiesOf(probes, answers, options),
    isConnTable: pass.includes(PASS_TABLE),
    iterators: iteratorsOf(pass, attached, answers, options),
  };
}

function iteratorsOf(
  pass: readonly string[],
  attached: readonly ChosenProgram[],
  answers: KernelAnswers,
  options: PlanOptions,
): Plan['iterators'] {
  const follows = followsSockets(options);
  const walks = follows && options.recordsAlone !== true;
  const hasReset = attached.some(({ program }) => program === RESET);
  const when = (isWanted: boolean, ...programs: readonly string[]): readonly string[] =>
    isWanted ? programs : [];
  return {
    self: 'ws_self',
    cpus: when(walks, ...CPUS).filter((program) => answers.canLoad(program).ok),
    firstPass: when(follows, 'ws_scan'),
    holders: when(walks, 'ws_holders'),
    pass: when(walks, ...pass),
    settle: when(walks && hasReset, 'ws_settle'),
    states: when(walks, 'ws_states'),
    takeRow: when(walks, TAKE_ROW),
    owners: when(follows && options.keepsFilter !== true, 'ws_refilter', 'ws_refilter_files'),
  };
}

function chooseProbes(
  probes: readonly Probe[],
  answers: KernelAnswers,
  options: PlanOptions,
): Pick<Plan, 'attached' | 'missing' | 'disabled'> {
  const attached: ChosenProgram[] = [];
  const missing: { probe: string; why: string }[] = [];
  const disabled: string[] = [];
  for (const probe of probes) {
    if (probe.isWanted?.(options) === false) {
      if (probe.isOfViews !== true) disabled.push(probe.name);
      continue;
    }
    const answer = hasNeeds(probe, attached)
      ? chooseVariant(probe.variants(options), answers)
      : { why: `${(probe.needs ?? []).join(' or ')} is not attached` };
    if ('program' in answer) attached.push({ program: answer.program, probe: probe.name });
    else missing.push({ probe: probe.name, why: `${answer.why}${probe.advice?.(options) ?? ''}` });
  }
  return { attached, missing, disabled };
}

function hasNeeds({ needs }: Probe, attached: readonly ChosenProgram[]): boolean {
  return needs === undefined || attached.some(({ program }) => needs.includes(program));
}

/** The first program that the kernel takes, or why it takes none. */
function chooseVariant(
  variants: readonly ProbeVariant[],
  answers: KernelAnswers,
): { readonly program: string } | { readonly why: string } {
  const refused: string[] = [];
  for (const { programs, tracepoint, words = '' } of variants) {
    let why: string | undefined;
    for (const program of programs) {
      const answer = tracepoint === undefined ? answers.canLoad(program) : hasTracepoint(answers, tracepoint);
      if (answer.ok) return { program };
      why = answer.why;
    }
    refused.push(tracepoint === undefined ? `${words} is refused (${why ?? ''})` : 'no tracepoint');
  }
  const isTracepointAlone = variants.length === 1 && variants[0]?.tracepoint !== undefined;
  return { why: isTracepointAlone ? 'the kernel has no such tracepoint' : refused.join(', ') };
}

function hasTracepoint(answers: KernelAnswers, tracepoint: string): { ok: boolean; why?: string } {
  return { ok: answers.tracepointArity(tracepoint) !== undefined };
}

function aritiesOf(
  probes: readonly Probe[],
  answers: KernelAnswers,
  options: PlanOptions,
): Readonly<Record<string, number>> {
  const arities: Record<string, number> = {};
  for (const { tracepoint } of probes.flatMap((probe) => probe.variants(options))) {
    const arity = tracepoint === undefined ? undefined : answers.tracepointArity(tracepoint);
    if (tracepoint !== undefined && arity !== undefined) arities[tracepoint] = arity;
  }
  return arities;
}

/** How accepts are seen, by their program's name. */
function acceptOf(attached: readonly ChosenProgram[]): Plan['accept'] {
  const program = attached.find(({ probe }) => probe === ACCEPT)?.program ?? '';
  return (['fexit', 'kprobe', 'sys_exit'] as const).find((way) => program.includes(way)) ?? 'none';
}

/** How the tracked sockets are walked. Where no accept is seen, who has a connection open says whose it is. */
function choosePass(answers: KernelAnswers, accept: Plan['accept']): readonly string[] {
  if (answers.canLoad(PASS_TABLE).ok) return accept === 'none' ? [PASS_FILES, PASS_TABLE] : [PASS_TABLE];
  return [answers.canLoad('ws_pass').ok ? 'ws_pass' : PASS_FILES];
}
