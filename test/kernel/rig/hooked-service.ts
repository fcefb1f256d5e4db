import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { projectFolder } from '../../backends/place.ts';
import { cleanEnvironment } from '../../support/agent.ts';
import type { Cleanup } from '../../support/cleanup.ts';
import type { NetNamespace } from '../../support/net-namespace.ts';

/** As applications name it, by the package's exports. */
const HOOK = 'wirespan/hook';
const GRACE_MS = 3_000;

/** Programs of test/workloads/node-service that run in a room. */
export interface HookedService {
  readonly room: NetNamespace;
  /** The program's file. */
  readonly name: string;
  readonly args: readonly string[];
  readonly isHooked: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

/** A service that runs. */
export interface Running {
  /** What it printed so far. */
  out(): string;
  /** Ends its input with this. */
  say(line: string): void;
  readonly pid: number;
  /** Its exit status. */
  readonly ended: Promise<number | null>;
}

/** Starts it; it ends with `cleanup` at the latest. */
export function startHooked(
  cleanup: Cleanup,
  { room, name, args, isHooked, env = {} }: HookedService,
): Running {
  const service = join(projectFolder, 'test', 'workloads', 'node-service', name);
  const node = [process.execPath, ...(isHooked ? ['--import', HOOK] : []), service, ...args];
  return startIn(cleanup, room, node, env);
}

/** Starts any command in a room; it ends with `cleanup` at the latest. */
export function startIn(
  cleanup: Cleanup,
  room: NetNamespace,
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Running {
  const enter = 'echo $$ > "$0" && exec ip netns exec "$@"';
  const procs = join(room.cgroup ?? '', 'cgroup.procs');
  const child = spawn('sh', ['-c', enter, procs, room.name, ...command], {
    cwd: projectFolder,
    env: cleanEnvironment(env),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  cleanup.add(async () => {
    // A server with workers ends them, which SIGKILL would leave behind.
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
    await ended;
    clearTimeout(late);
  });
  return { out: () => text, say: (line) => child.stdin.end(`${line}\n`), pid: child.pid ?? 0, ended };
}
