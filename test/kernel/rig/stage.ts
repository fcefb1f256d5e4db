import type { Cleanup } from '../../support/cleanup.ts';
import type { KernelOptions } from '../../../receiver/source/kernel-options.ts';
import type { Stage } from './conversation.ts';
import { Dropper } from '../../support/dropper.ts';
import { NetNamespace } from '../../support/net-namespace.ts';
import { TcpScript } from '../../support/script.ts';
import { Watcher } from '../../support/watcher.ts';

/**
 * A room, a script with a listener in it, the programs, and the means to lose segments. `refused`: programs that are
 * taken for refused by this kernel.
 */
export async function openStage(
  cleanup: Cleanup,
  options: Partial<KernelOptions> = {},
  refused: readonly string[] = [],
): Promise<Stage> {
  const room = new NetNamespace();
  cleanup.add(() => room.remove());
  room.sysctl('net/ipv4/tcp_timestamps', '0');
  const script = TcpScript.start(room);
  cleanup.add(() => script.stop());
  const watcher = new Watcher(options, refused);
  cleanup.add(() => watcher.close());
  const dropper = Dropper.attach(room);
  cleanup.add(() => dropper.close());
  return { watcher, room, script, dropper, ...(await script.listen()) };
}

/** One more process with a listener and losses of its own, seen by the same programs. */
export async function openLane(cleanup: Cleanup, stage: Stage): Promise<Stage> {
  const script = TcpScript.start(stage.room);
  cleanup.add(() => script.stop());
  const dropper = Dropper.attach(stage.room);
  cleanup.add(() => dropper.close());
  return { ...stage, script, dropper, ...(await script.listen()) };
}
