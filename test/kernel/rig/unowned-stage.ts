/** Drops that come with no socket, settled as the agent does. */
import { DropDetails } from '../../../receiver/signals/drop/details.ts';
import { DropSums } from '../../../receiver/signals/drop/sums.ts';
import { UnownedSums } from '../../../receiver/signals/drop/unowned.ts';
import { readLocalAddresses } from '../../../receiver/host/local-address-reader.ts';
import type { Cleanup } from '../../support/cleanup.ts';
import { createHarness } from '../../support/sums-harness.ts';
import { DropStage } from '../../support/drop-stage.ts';
import { TcpScript } from '../../support/script.ts';
import type { Pair } from '../../support/drop-stage.ts';

export class UnownedStage {
  readonly stage: DropStage;
  /** Has the clients' ends of {@link connect}. */
  readonly client: TcpScript;
  readonly harness = createHarness();
  readonly #drops: DropSums;
  readonly #unowned: UnownedSums;

  private constructor(stage: DropStage, cleanup: Cleanup) {
    this.stage = stage;
    this.client = TcpScript.start(stage.room);
    cleanup.add(() => this.client.stop());
    const { source } = stage.watcher;
    const details = new DropDetails({
      names: {
        dropReason: (reason) => stage.reasonName(reason),
        functionAt: (address) => source.names.functionAt(address),
      },
      read: (map) => source.read(map),
    });
    this.#drops = new DropSums(this.harness, details);
    this.#unowned = new UnownedSums({
      nowMs: () => performance.now(),
      context: this.harness,
      details,
      delete: (map, key) => source.delete(map, key),
      isLocal: ({ netns, address, family }, { pid }) =>
        readLocalAddresses(pid, netns)?.has(address, family) === true,
    });
  }

  static async open(cleanup: Cleanup): Promise<UnownedStage> {
    const stage = await DropStage.open(cleanup);
    stage.plugIn();
    return new UnownedStage(stage, cleanup);
  }

  /** From the client's process to the server's. */
  async connect(): Promise<Pair> {
    const { script, port, listener } = this.stage;
    const [client, server] = [this.client.next(), script.next()];
    await this.client.run('socket', client);
    const clientPort = await this.client.run('connect', client, port);
    await script.run('accept', server, listener);
    const seq = await script.run('next', server, 0);
    return { client, server, clientPort, seq, ack: await script.run('next', server, 1) };
  }

  async close({ client, server }: Pair): Promise<void> {
    await this.client.run('reset', client);
    await this.stage.script.run('close', server);
  }

  /** As at a collection. */
  settle(): void {
    const { source } = this.stage.watcher;
    const { pass, bank } = source.passForUnowned(process.hrtime.bigint());
    const [drops, listenEnds] = [source.read('unowned_drops'), source.read('listen_ends')];
    this.#unowned.settle({ drops, listenEnds, pass, bank });
    this.#drops.update(source.read('drops'));
  }

  /** Drops that are a process's; of 0 the host's, those of the whole machine. */
  dropsOf(pid: number, reason: string): number {
    return this.harness.sink.total(pid === 0 ? ' host ' : ` w${pid} `, `reason=${reason}`);
  }
}
