import { StopSignals } from './agent/stop-signals.ts';

// Before all else is read, which takes a good part of a second: from here on no signal just ends the process.
const signals = new StopSignals();
const { runCommand } = await import('./agent/command.ts').catch(explainMissing);
await runCommand(process.argv.slice(2), signals);

/** Modules that npm installs are looked for before anything of ours runs: a sentence says what to do, not a stack. */
function explainMissing(error: unknown): never {
  const { code, message } = error as NodeJS.ErrnoException;
  const name =
    code === 'ERR_MODULE_NOT_FOUND' ? /^Cannot find package '([^']+)'/.exec(message)?.[1] : undefined;
  if (name === undefined) throw error;
  process.stderr.write(
    `wirespan: the npm module ${name} is not installed: run 'npm run build' in the project's folder, or 'npm start'\n`,
  );
  process.exit(1);
}
