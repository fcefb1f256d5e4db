/** What the kernel side counts and tells of RSTs, and what the namespace's statistics say. */
import { RESET_KEY } from '../../../receiver/decode/generated/layout.ts';
import type { ResetRecord } from '../../../receiver/model/record.ts';
import type { DropStage } from '../../support/drop-stage.ts';
import { waitFor } from '../../support/wait.ts';

const ATTEMPTS = 5;
const CLIENT = 1;
const SERVER = 2;

/** A row of the kernel's sums, with what is 0 when nobody's socket is known. */
interface Row {
  readonly direction: 'sent' | 'received';
  readonly role: number;
  readonly port: number;
  readonly reason: string | undefined;
  readonly count: number;
}

export interface Gain {
  /** By role of the socket's end. */
  readonly sent: { readonly client: number; readonly server: number; readonly nobody: number };
  readonly received: { readonly client: number; readonly server: number };
  /** `TcpOutRsts` and `TcpEstabResets`. */
  readonly statistics: { readonly sent: number; readonly aborted: number };
  /** `TCPAbortOnData`; `EmbryonicRsts`: those on connections whose handshake had not ended. */
  readonly odd: { readonly onData: number; readonly embryonic: number };
  readonly events: readonly ResetRecord[];
}

export class ResetCounts {
  readonly #stage: DropStage;

  constructor(stage: DropStage) {
    this.#stage = stage;
  }

  /** The rows of a process, or (pid 0) those of the whole machine's sockets without an owner. */
  rows(pid: number): Row[] {
    const { source } = this.#stage.watcher;
    const { count, keys, values, keySize, stride } = source.read('resets');
    const key = new DataView(keys.buffer);
    const value = new DataView(values.buffer);
    const found: Row[] = [];
    for (let at = 0, i = 0; i < count; i += 1, at += keySize) {
      if (key.getUint32(at + RESET_KEY.owner + 8, true) !== pid) continue;
      found.push({
        direction: key.getUint8(at + RESET_KEY.received) === 0 ? 'sent' : 'received',
        role: key.getUint8(at + RESET_KEY.role),
        port: key.getUint16(at + RESET_KEY.server_port, true),
        reason: source.names.resetReason(key.getUint8(at + RESET_KEY.reason)),
        count: Number(value.getBigUint64(i * stride, true)),
      });
    }
    return found;
  }

  /** Those of the script's process. */
  mine(direction: Row['direction'], role: number): number {
    return total(this.rows(this.#stage.script.pid), direction, role);
  }

  /** The RSTs that may be none: nobody has decided on them yet. */
  unsure(): number {
    return this.#stage.watcher.source.read('unsure_resets').count;
  }

  /** Passes until all of them are decided. */
  async settle(): Promise<void> {
    await waitFor('what is not sure', () => {
      this.#stage.watcher.pass();
      return this.unsure() === 0;
    });
  }

  /** Plays it, again where the kernel skipped a program. */
  async gainOf(play: () => Promise<void> | void): Promise<Gain> {
    for (let attempt = 1; ; attempt += 1) {
      const start = this.#look();
      await play();
      await this.settle();
      const end = this.#look();
      if (end.skipped !== start.skipped && attempt < ATTEMPTS) continue;
      const mine = (direction: Row['direction'], role: number): number =>
        total(end.mine, direction, role) - total(start.mine, direction, role);
      return {
        sent: {
          client: mine('sent', CLIENT),
          server: mine('sent', SERVER),
          nobody: total(end.nobodys, 'sent') - total(start.nobodys, 'sent'),
        },
        received: { client: mine('received', CLIENT), server: mine('received', SERVER) },
        statistics: { sent: end.sent - start.sent, aborted: end.aborted - start.aborted },
        odd: { onData: end.onData - start.onData, embryonic: end.embryonic - start.embryonic },
        events: end.events.slice(start.events.length),
      };
    }
  }

  #look() {
    const { watcher, room, script } = this.#stage;
    const counter = room.counters();
    const events = watcher.records().filter((record): record is ResetRecord => record.kind === 'reset');
    return {
      mine: this.rows(script.pid),
      nobodys: this.rows(0),
      events: events.filter(({ netns }) => netns === room.inode),
      sent: counter('TcpOutRsts'),
      aborted: counter('TcpEstabResets'),
      onData: counter('TcpExtTCPAbortOnData'),
      embryonic: counter('TcpExtEmbryonicRsts'),
      skipped: watcher.source
        .recursionMisses()
        .filter(({ probe }) => probe.endsWith('_reset'))
        .reduce((sum, { missed }) => sum + missed, 0),
    };
  }
}

function total(of: readonly Row[], direction: Row['direction'], role?: number): number {
  return of
    .filter((row) => row.direction === direction && (role === undefined || row.role === role))
    .reduce((sum, { count }) => sum + count, 0);
}
