import { constants } from 'node:os';
import {
  BpfSession,
  NativeError,
  kernelFunctionArity,
  kernelHasType,
  tryLoad,
  type LoadAnswer,
} from '../../native/index.ts';
import type { KernelAnswers, Plan } from './plan.ts';

/** Programs that are attached to a control group: at the root, they meet what every group does. */
const OF_CGROUP: ReadonlySet<string> = new Set([
  'ws_announce',
  'ws_arrive',
  'ws_http2_arrive',
  'ws_dns_answer',
]);

/** Others are told to rely on it, which nothing replaces. It needs this function of the kernel. */
const PASS_TABLE = 'ws_pass_table';
const TABLE_NEEDS = 'bpf_rdonly_cast';

/** Whether the kernel takes a program, or why not. */
export type Answer = ReturnType<KernelAnswers['canLoad']>;

const tracepointArity = (tracepoint: string): number | undefined =>
  kernelFunctionArity(`btf_trace_${tracepoint}`);

/**
 * What the running kernel says of the programs of this object: each one's hook is tried, which takes a hundredth of the time
 * that loading it does. What the verifier refuses shows when they are loaded, and is learned then. `cgroupRoot`: mount
 * point of cgroup v2; `known`: what was learned before.
 */
export function kernelAnswers(
  object: string,
  cgroupRoot: string | undefined,
  known = new Map<string, Answer>(),
): KernelAnswers {
  let session: BpfSession | undefined;
  const close = (): void => {
    session?.close();
    session = undefined;
  };
  const hookOf = (program: string, path?: string): LoadAnswer | undefined => {
    session ??= BpfSession.open(object);
    return session.tryHook(program, path);
  };
  const load = (program: string, path?: string): LoadAnswer => {
    // One object at a time is enough of a small node's memory.
    close();
    return tryLoad(object, program, path);
  };
  const tryHook = (program: string, path?: string): Answer => {
    if (program === PASS_TABLE && !kernelHasType('func', TABLE_NEEDS)) {
      const answer = refusedWith(constants.errno.ENOENT);
      known.set(PASS_TABLE, answer);
      return answer;
    }
    const answer = hookOf(program, path) ?? load(program, path);
    return answer.ok ? { ok: true } : refusedWith(answer.errno);
  };
  return {
    tracepointArity,
    canLoad: (program) =>
      known.get(program) ?? ofCgroup(program, cgroupRoot, (path) => tryHook(program, path)),
    learn: (error) => {
      const program = refusedProgram(error);
      if (program === undefined) return undefined;
      // It may be for the table that another is refused: the table is loaded to find out.
      if (!known.has(PASS_TABLE)) {
        const answer = load(PASS_TABLE);
        known.set(PASS_TABLE, answer.ok ? { ok: true } : refusedWith(answer.errno));
        if (!answer.ok) return PASS_TABLE;
      }
      known.set(program.name, refusedWith(program.errno));
      return program.name;
    },
    close,
  };
}

/** What this process lacks says nothing of the program. */
const SHORTAGES: readonly number[] = [constants.errno.EMFILE, constants.errno.ENFILE, constants.errno.ENOMEM];

function refusedProgram(error: unknown): { readonly name: string; readonly errno: number } | undefined {
  if (!(error instanceof NativeError) || error.step !== 'load program') return undefined;
  const { object: name, errno } = error;
  return name === undefined || errno === undefined || SHORTAGES.includes(errno) ? undefined : { name, errno };
}

function ofCgroup(program: string, cgroupRoot: string | undefined, ask: (path?: string) => Answer): Answer {
  if (!OF_CGROUP.has(program)) return ask();
  return cgroupRoot === undefined ? { ok: false, why: 'no cgroup v2 is mounted' } : ask(cgroupRoot);
}

function refusedWith(errno: number): Answer {
  return { ok: false, why: `errno ${String(errno)}` };
}

/** Attaches what the plan chose, in its order. */
export function attachPrograms(session: BpfSession, plan: Plan, cgroupRoot = ''): void {
  for (const { program } of plan.attached)
    if (OF_CGROUP.has(program)) session.attachCgroup(program, cgroupRoot);
    else session.attach(program);
}
