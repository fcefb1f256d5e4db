import { closeSync, openSync, readFileSync, readSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { OWNER_INFO_LENGTH } from '../decode/generated/layout.ts';
import type { Owner } from '../model/resource.ts';
import { readProcCgroup, type ContainerIdentity } from './cgroup-path.ts';
import { findOtelVariables, type OtelEnvironment } from './otel-environment.ts';
import { processFolder } from './process-folder.ts';
import { isProcessAlive } from './process-start.ts';

/** What `/proc` says about one process, read while it was surely the one meant. */
export interface ProcessFacts {
  readonly executable?: string;
  /** Whose process it is; absent where real, effective and saved user differ: it is of one and acts for another. */
  readonly userId?: number;
  readonly environment: OtelEnvironment;
  readonly container: ContainerIdentity;
}

/** Reads processes below one `/proc`. */
export interface ProcessReader {
  /** Undefined when the process is gone, its pid belongs to another one by now, or it runs another program. */
  read(owner: Owner): ProcessFacts | undefined;
  isAlive(pid: number, startNs: bigint): boolean;
  /** Environments that may not be read or are longer than the bound. */
  readonly counters: { environUnreadable: number; environTruncated: number };
}

const maxEnvironBytes = 256 * 1024;
/** The kernel's room for a name, without its NUL. */
const MAX_NAME_BYTES = OWNER_INFO_LENGTH.executable - 1;

/** `startedWith`: what a program's environment was when it was started; asked where `/proc` has no names of it by now. */
export function createProcessReader(
  procRoot: string,
  startedWith: (owner: Owner) => OtelEnvironment | undefined = () => undefined,
): ProcessReader {
  const counters = { environUnreadable: 0, environTruncated: 0 };
  const environ = Buffer.alloc(maxEnvironBytes);

  /** Undefined when it may not be read. */
  const environmentOf = (folder: string): OtelEnvironment | undefined => {
    const length = readInto(join(folder, 'environ'), environ);
    if (length === undefined) return undefined;
    if (length === maxEnvironBytes) counters.environTruncated += 1;
    const found = findOtelVariables(environ.subarray(0, length));
    // Other variables may hold secrets: they do not stay in our memory.
    environ.fill(0, 0, length);
    return found;
  };

  const isAlive = (pid: number, startNs: bigint): boolean => isProcessAlive(procRoot, pid, startNs);

  return {
    counters,
    isAlive,
    read(owner) {
      const folder = processFolder(procRoot, owner.pid);
      const cgroup = readText(join(folder, 'cgroup'));
      if (cgroup === undefined) return undefined;
      const environment = environmentOf(folder);
      // After the environment, so that it vouches for it.
      const executable = executableOf(join(folder, 'exe'));
      if (executable !== undefined && !isCalled(executable, owner.executable)) return undefined;
      const userId = userOf(readText(join(folder, 'status')) ?? '');
      // Last, so that it vouches for all reads above: a pid does not come back to a process.
      if (!isAlive(owner.pid, owner.startNs)) return undefined;
      const known = hasNames(environment) ? environment : (startedWith(owner) ?? environment);
      if (known === undefined) counters.environUnreadable += 1;
      const container = readProcCgroup(cgroup);
      return {
        environment: known ?? {},
        container,
        ...(userId === undefined ? {} : { userId }),
        ...(executable === undefined ? {} : { executable }),
      };
    },
  };
}

function hasNames(environment: OtelEnvironment | undefined): boolean {
  return environment?.serviceName !== undefined || environment?.resourceAttributes !== undefined;
}

/** Whether the kernel has it by this name, which it cuts; without a name it may be. */
function isCalled(executable: string, name: string): boolean {
  if (Buffer.byteLength(name) < MAX_NAME_BYTES) return name === '' || name === executable;
  return Buffer.from(executable).toString('utf8', 0, MAX_NAME_BYTES) === name;
}

/** `Uid:` of `/proc/PID/status`: real, effective, saved, of the file system. */
function userOf(status: string): number | undefined {
  const [, real, effective, saved] = /^Uid:\t(\d+)\t(\d+)\t(\d+)\t/m.exec(status) ?? [];
  return real === effective && real === saved && real !== undefined ? Number(real) : undefined;
}

function executableOf(link: string): string | undefined {
  try {
    return basename(readlinkSync(link).replace(/ \(deleted\)$/, ''));
  } catch {
    return undefined;
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Bytes read, at most the buffer's length; undefined when the file cannot be read. */
function readInto(path: string, buffer: Buffer): number | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    let length = 0;
    for (;;) {
      const read = readSync(file, buffer, length, buffer.length - length, null);
      length += read;
      if (read === 0 || length === buffer.length) return length;
    }
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
