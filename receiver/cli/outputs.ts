import { fstatSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isatty } from 'node:tty';
import { Output } from './output.ts';
import { createSink, isSameStream } from './sink.ts';

/** For what is still to be read when the agent ends; who reads has it in microseconds. */
const LAST_WORDS_MS = 1000;

/** Standard output and standard error; the same one when both lead to the same place, so that lines stay whole. */
export interface Outputs {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly isTerminal: { readonly stdout: boolean; readonly stderr: boolean };
  /** Whether what is written to standard output gets anywhere: it is no device such as /dev/null. */
  readonly isKept: boolean;
  /** Whether a person sees standard output: on a terminal, or by way of a pipe or a file that one led it to. */
  readonly isWatched: boolean;
}

/** Made once in a process; `isForeground`: a person at a terminal waits for it. */
export function createOutputs(isForeground: boolean): Outputs {
  const stderr = new Output(createSink(2));
  const stdout = isSameStream() ? stderr : new Output(createSink(1));
  const isTerminal = { stdout: isatty(1), stderr: isatty(2) };
  const isKept = isTerminal.stdout || !fstatSync(1).isCharacterDevice();
  return { stdout, stderr, isTerminal, isKept, isWatched: isTerminal.stdout || (isKept && isForeground) };
}

/** How often a read is looked at that may hold up the end. */
const READ_CHECK_MS = 5;

/** Ends the process: what can still be written is, within a second. */
export async function leave(status: number, { stdout, stderr }: Outputs): Promise<never> {
  await Promise.all([stdout, stderr].map((output) => output.drain(LAST_WORDS_MS)));
  // Another image has none of our signal handlers, so a read that ends is waited for.
  for (let waited = 0; isReadPending() && waited < LAST_WORDS_MS; waited += READ_CHECK_MS)
    await sleep(READ_CHECK_MS);
  // `process.exit` would wait for a thread that writes or reads; a new program image ends all threads.
  if (stdout.isStuck || stderr.isStuck || isReadPending())
    process.execve?.('/bin/sh', ['sh', '-c', `exit ${String(status)}`], process.env);
  process.exit(status);
}

/** Such as of another process's memory, which may keep its reader for as long as it likes. */
function isReadPending(): boolean {
  return process.getActiveResourcesInfo().some((resource) => resource.startsWith('FSReq'));
}
