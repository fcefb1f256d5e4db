// A signal that comes while something is set up: the command that runs gets it too, and is waited for.
import { spawn } from 'node:child_process';
import { setImmediate } from 'node:timers';
import { UserError, root } from './project.mjs';
import { say } from './say.mjs';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'];

/** Within this time a signal has come to all of a group of processes. */
const GROUP_SIGNAL_MS = 100;

/** The first signal that came; undefined: none did. */
let stop;
/** The command that runs now. */
let current;

/** What ends the set-up when a signal came. */
class Stopped extends Error {}

function onSignal(signal) {
  stop ??= signal;
  current?.kill(stop === 'SIGINT' ? 'SIGINT' : 'SIGTERM');
}

function throwIfStopped() {
  if (stop !== undefined) throw new Stopped(stop);
}

/**
 * Does `work`; when a signal comes meanwhile, ends the command that runs, lets `work` clean up, and then ends this process
 * by that signal, so that its parent knows.
 */
export async function stoppable(work) {
  for (const signal of SIGNALS) process.on(signal, onSignal);
  try {
    const result = await work();
    // A signal that has come already is handled in the next turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    throwIfStopped();
    return result;
  } catch (error) {
    if (stop === undefined) throw error;
    return await endBy(stop);
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  }
}

/** Never resolves: the process ends. `say` waits a second at most for whoever reads. */
async function endBy(signal) {
  await say(`the set-up was stopped by ${signal}`);
  for (const each of SIGNALS) process.off(each, onSignal);
  process.kill(process.pid, signal);
  return new Promise(() => setTimeout(() => undefined, 1000));
}

/** Runs a command with its output shown; throws a UserError that names it when it fails. */
export async function run(command, args, { what = `${command} ${args.join(' ')}`, ...options } = {}) {
  const { status, signal, error } = await runToEnd(command, args, options);
  if (error) throw new UserError(`could not run '${command}' (${what}): ${error.message}`);
  if (status !== 0) {
    const end = signal ? `was ended by ${signal}` : `ended with status ${status}`;
    throw new UserError(`'${command} ${args.join(' ')}' ${end} (${what}); see its output above`);
  }
}

/** Runs a command and tells how it ended; throws only when a signal ends the set-up. */
export async function runToEnd(command, args, options = {}) {
  throwIfStopped();
  const end = await new Promise((resolve) => {
    current = spawn(command, args, { cwd: root, stdio: ['ignore', 2, 2], ...options });
    current.once('error', (error) => resolve({ error }));
    current.once('exit', (status, signal) => resolve({ status, signal }));
  });
  current = undefined;
  // A signal to the whole group can end the command before this process is told of it.
  if (SIGNALS.includes(end.signal)) await new Promise((resolve) => setTimeout(resolve, GROUP_SIGNAL_MS));
  throwIfStopped();
  return end;
}
