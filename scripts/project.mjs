// Where the project is and how its scripts run other programs. Plain JavaScript for any Node >= 18.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { say } from './say.mjs';

/** Absolute path of the project's top folder. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Whether this is an installed package, whose sources are compiled (scripts/package/), and no checkout. */
export const isPackaged = existsSync(join(root, 'receiver', 'main.js'));

/** Oldest Node that runs TypeScript as it is and has all that the receiver uses. */
const OLDEST_NODE = [22, 15];

/** An error whose message is all that the user needs: it is shown without a stack trace. */
export class UserError extends Error {}

/** Runs `main` and turns a UserError into one line and exit code 1. */
export async function runMain(main) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    process.exitCode = 1;
    await say(error.message);
  }
}

/** What a command prints, trimmed; undefined when it is not there or fails. */
export function capture(command, args) {
  const child = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return child.error || child.status !== 0 ? undefined : child.stdout.trim();
}

/** Whether a program is on the PATH (or in the folders of system programs). */
export function hasCommand(name) {
  const folders = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`.split(':').filter(Boolean);
  return folders.some((folder) => existsSync(join(folder, name)));
}

/** Whether this version, e.g. 'v20.1.0', is new enough to run the receiver. */
export function isNodeNewEnough(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  return major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
}

/** The Node that runs the project: the system's when new enough, else the one npm installed. */
export function projectNode() {
  if (isNodeNewEnough(process.version)) return process.execPath;
  const own = installedNode();
  if (own !== undefined) return own;
  const remedy = isPackaged ? 'install it again with its optional dependencies' : `run 'npm ci' in ${root}`;
  throw new UserError(
    `no Node for wirespan: ${process.execPath} is ${process.version}, ${OLDEST_NODE.join('.')} or newer is needed, ` +
      `and the npm module node-linux-${process.arch} is not there; ${remedy}, or install a newer Node`,
  );
}

/** npm puts a module beside the project or below it, as it likes. */
function installedNode() {
  try {
    const file = createRequire(import.meta.url).resolve(`node-linux-${process.arch}/package.json`);
    const node = join(dirname(file), 'bin', 'node');
    return existsSync(node) ? node : undefined;
  } catch {
    return undefined;
  }
}
