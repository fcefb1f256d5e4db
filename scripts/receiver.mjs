// Runs receiver/main.ts as a child that gets this process's signals and gives it its exit status.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { UserError, root } from './project.mjs';

const SETPRIV = '/usr/bin/setpriv';

/** How Node is to run it; why, is in docs/decisions/0012-bounded-memory.md. */
const options = JSON.parse(readFileSync(join(root, 'scripts', 'node-options.json'), 'utf8'));

/** Keeps stripped and compiled sources between runs. What the user has set stays. */
function leanEnv() {
  return { NODE_COMPILE_CACHE: join(root, '.cache', 'node'), ...options.environment, ...process.env };
}

/**
 * Runs the receiver under `node` until it ends and returns its exit status (128 + n when signal n ended it).
 * SIGTERM and SIGHUP are passed on. So is SIGINT, unless a terminal has sent it to the child already.
 */
export function runReceiver(node, args) {
  const line = [node, ...options.arguments, join(root, 'receiver', 'main.ts'), ...args];
  // Should this process be killed, the receiver must not stay behind: the kernel tells it to stop.
  const guarded = existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'TERM', '--', ...line] : line;
  const child = spawn(guarded[0], guarded.slice(1), { stdio: 'inherit', env: leanEnv() });
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT']) {
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  return new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new UserError(`could not run '${guarded[0]}': ${error.message}`)));
    child.on('exit', (code, signal) => resolve(code ?? 128 + (constants.signals[signal] ?? 0)));
  });
}
