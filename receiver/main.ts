import { missingModuleSentence } from './agent/missing-module.ts';
import { StopSignals } from './agent/stop-signals.ts';

// Before all else is read, which takes a good part of a second: from here on no signal just ends the process.
const signals = new StopSignals();
const { runCommand } = await import('./agent/command.ts').catch(explainMissing);
await runCommand(process.argv.slice(2), signals);

/** Modules that npm installs are looked for before anything of ours runs: a sentence says what to do, not a stack. */
function explainMissing(error: unknown): never {
  const sentence = missingModuleSentence(error);
  if (sentence === undefined) throw error;
  process.stderr.write(`wirespan: ${sentence}\n`);
  process.exit(1);
}
