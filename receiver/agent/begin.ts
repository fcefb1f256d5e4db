import { setImmediate } from 'node:timers/promises';
import type { Outputs } from '../cli/outputs.ts';
import { findCgroupHierarchies } from '../host/cgroup-hierarchies.ts';
import { kernelOptionsOf } from '../settings/kernel.ts';
import { beginSource } from '../source/begin-source.ts';
import type { LoadedSettings } from './reload-plan.ts';
import type { StopSignals } from './stop-signals.ts';
import { checkSupport } from './support.ts';

/**
 * Runs the agent; the exit status. While the kernel reads the programs in threads, which takes longest, the code is read
 * that needs none of them: the libraries of what is exported.
 * @throws ConfigError from `load`; UnsupportedError, NativeError when the machine cannot; ListenError
 */
export async function beginAgent(
  load: () => LoadedSettings,
  signals: StopSignals,
  outputs: Outputs,
): Promise<number> {
  // Signals that came while the code was loaded are told in the next turn.
  await setImmediate();
  if (signals.isStopping) return 0;
  const running = load();
  const hierarchies = findCgroupHierarchies('/proc');
  const started = kernelOptionsOf(running.config, hierarchies);
  checkSupport(started);
  const source = beginSource(started);
  try {
    const { runAgent } = await import('./run.ts');
    return await runAgent({ running, load, started, hierarchies, source }, signals, outputs);
  } finally {
    source.cancel();
  }
}
