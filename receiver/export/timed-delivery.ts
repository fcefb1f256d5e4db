import type { Delivery, DeliveryResult } from './delivery.ts';
import type { Signal } from './options.ts';

/** One export operation, its retries included. */
export interface ExportOperation {
  readonly signal: Signal;
  readonly seconds: number;
  /** `error.type`; absent when the collector took the request. */
  readonly error?: string;
}

/** Who wants to know of export operations; nobody at first. */
export interface OperationLog {
  onOperation: ((operation: ExportOperation) => void) | undefined;
}

/** `error.type` by how a delivery ended, in the words of `DropReason`. */
const errors: Readonly<Record<DeliveryResult['status'], string | undefined>> = {
  taken: undefined,
  rejected: 'rejected',
  too_large: 'rejected',
  unencodable: 'encode_error',
  expired: 'retry_expired',
  abandoned: 'already_shutdown',
};

/** The delivery, which also tells how long each operation took. */
export function createTimedDelivery<R>(
  delivery: Delivery<R>,
  signal: Signal,
  log: OperationLog,
): Delivery<R> {
  return {
    async deliver(request, untilMs) {
      const startMs = performance.now();
      const result = await delivery.deliver(request, untilMs);
      const error = errors[result.status];
      const seconds = (performance.now() - startMs) / 1e3;
      log.onOperation?.({ signal, seconds, ...(error !== undefined && { error }) });
      return result;
    },
    hurry: () => delivery.hurry(),
    interrupt: () => delivery.interrupt(),
    abandon: () => delivery.abandon(),
  };
}
