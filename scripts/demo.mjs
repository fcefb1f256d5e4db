// Sets up what is missing, says how long that takes, then runs the demo: npm run demo [-- --once | --picture]
import { spawn } from 'node:child_process';
import { UserError, hasCommand, root, runMain } from './project.mjs';
import { say } from './say.mjs';
import { setup } from './setup.mjs';
import { run, stoppable } from './stops.mjs';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'];

/** What is quicker than this needs no word. */
const WORTH_SAYING_MS = 5_000;

/** Runs it with our terminal, passes on what ends us, and waits for it. Should this process be killed, it ends in order. */
async function become(command, args) {
  const line = hasCommand('setpriv')
    ? ['setpriv', '--pdeathsig=TERM', '--', command, ...args]
    : [command, ...args];
  const child = spawn(line[0], line.slice(1), { cwd: root, stdio: 'inherit' });
  for (const signal of SIGNALS) process.on(signal, () => child.kill(signal));
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (status) => resolve(status ?? 1));
  });
}

await runMain(async () => {
  if (process.getuid() !== 0)
    throw new UserError(
      'the demo runs the agent, which loads BPF programs: run it as root (sudo npm run demo)',
    );
  const began = Date.now();
  const args = process.argv.slice(2);
  const node = await setup(['build', 'demo', 'go', ...(args.includes('--picture') ? ['picture'] : [])]);
  await stoppable(() =>
    run(node, ['demo/prepare.ts'], { what: 'building the OpenTelemetry Collector and Jaeger' }),
  );
  const tookMs = Date.now() - began;
  if (tookMs > WORTH_SAYING_MS)
    await say(
      `what the demo needs is there, after ${Math.round(tookMs / 1000)} s; the next time it is there at once`,
    );
  process.exitCode = await become(node, ['--disable-warning=ExperimentalWarning', 'demo/main.ts', ...args]);
});
