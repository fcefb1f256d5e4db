import type { Delivery, DeliveryResult } from '../export/delivery.ts';
import type { RejectionListener } from '../export/rejection.ts';
import type { Signal } from '../export/options.ts';
import type { OtlpRequest } from '../export/transport.ts';
import type { TapFailure, TapLedger } from './ledger.ts';
import type { Room } from './room.ts';

/** Requests of one signal that are on their way to the collector at once, each over a connection of its own. */
const MAX_LANES = 4;

const failures: Readonly<Record<Exclude<DeliveryResult['status'], 'taken'>, TapFailure>> = {
  rejected: 'rejected',
  too_large: 'rejected',
  unencodable: 'rejected',
  expired: 'retry_expired',
  abandoned: 'already_shutdown',
};

export interface ForwarderParts {
  readonly signal: Signal;
  readonly room: Room;
  readonly ledger: TapLedger;
  readonly timeoutMs: number;
  /** Told of requests, and of items in them, that the collector refused for good. */
  readonly onRejected: RejectionListener;
  readonly createDelivery: () => Delivery;
}

interface Held {
  readonly request: OtlpRequest;
  /** `performance.now()`. */
  readonly untilMs: number;
}

interface Lane {
  readonly delivery: Delivery;
  /** Until it has nothing to do. */
  work: Promise<void> | undefined;
}

/** Holds requests of one signal and sends them on, in the order in which they came, several at once. */
export class Forwarder {
  readonly #parts: ForwarderParts;
  readonly #lanes: Lane[] = [];
  readonly #waiting: Held[] = [];

  constructor(parts: ForwarderParts) {
    this.#parts = parts;
  }

  /** False when there is no room. */
  offer(request: OtlpRequest): boolean {
    const { room, ledger, timeoutMs } = this.#parts;
    if (!room.take(1, request.bytes.length)) return false;
    ledger.hold();
    this.#waiting.push({ request, untilMs: performance.now() + timeoutMs });
    const lane = this.#freeLane();
    // Only when it has work is a lane's promise kept, so each of them ends.
    if (lane !== undefined)
      lane.work = this.#run(lane).finally(() => {
        lane.work = undefined;
      });
    return true;
  }

  /** Ends when all that is held was taken, or is lost since it is `untilMs` (`performance.now()`). */
  async drain(untilMs: number): Promise<void> {
    for (const { delivery } of this.#lanes) delivery.hurry();
    const abandon = (): void => this.#lanes.forEach(({ delivery }) => delivery.abandon());
    const timer = setTimeout(abandon, Math.max(0, untilMs - performance.now()));
    await Promise.all(this.#lanes.map(({ work }) => work ?? Promise.resolve()));
    clearTimeout(timer);
  }

  /** The first that has nothing to do, so that little traffic has one connection. */
  #freeLane(): Lane | undefined {
    const free = this.#lanes.find(({ work }) => work === undefined);
    if (free !== undefined || this.#lanes.length >= MAX_LANES) return free;
    const lane: Lane = { delivery: this.#parts.createDelivery(), work: undefined };
    this.#lanes.push(lane);
    return lane;
  }

  async #run({ delivery }: Lane): Promise<void> {
    for (let held = this.#waiting.shift(); held !== undefined; held = this.#waiting.shift()) {
      const result = await delivery.deliver(held.request, held.untilMs);
      this.#parts.room.give(1, held.request.bytes.length);
      this.#settle(result);
    }
  }

  #settle(result: DeliveryResult): void {
    const { signal, ledger, onRejected } = this.#parts;
    if (result.status === 'taken') {
      ledger.forward(result.rejected);
      if (result.rejected > 0) onRejected(signal, result.rejected, result.message);
      return;
    }
    ledger.lose(failures[result.status]);
    if (result.status !== 'abandoned') onRejected(signal, 1, result.cause);
  }
}
