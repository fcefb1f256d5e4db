import { StopSignals } from './agent/stop-signals.ts';

// Before all else is read, which takes a good part of a second: from here on no signal just ends the process.
const signals = new StopSignals();
const { runCommand } = await import('./agent/command.ts');
await runCommand(process.argv.slice(2), signals);
