import type { Signal } from './options.ts';

/** Told of items that the collector refused for good, or that could not be encoded. */
export type RejectionListener = (signal: Signal, items: number, cause: string) => void;

/** Rejections on their way to a listener. */
export interface MergedRejections {
  readonly add: RejectionListener;
  /** Tells what was held back so far. */
  flush(): void;
}

/** Time in which a signal's rejections become one call, milliseconds. */
const windowMs = 10_000;

interface Window {
  items: number;
  cause: string;
  readonly timer: NodeJS.Timeout;
}

/**
 * Tells `listener` of a signal's first rejection at once, then at most once per window: the items
 * summed, with their last cause. Its timers do not keep the process alive.
 */
export function mergeRejections(listener: RejectionListener): MergedRejections {
  const windows = new Map<Signal, Window>();

  const tell = (signal: Signal, items: number, cause: string): void => {
    const timer = setTimeout(() => end(signal), windowMs).unref();
    windows.set(signal, { items: 0, cause: '', timer });
    listener(signal, items, cause);
  };
  const end = (signal: Signal): void => {
    const over = windows.get(signal);
    windows.delete(signal);
    if (over === undefined || over.items === 0) return;
    tell(signal, over.items, over.cause);
  };

  return {
    add(signal, items, cause) {
      const open = windows.get(signal);
      if (open === undefined) {
        tell(signal, items, cause);
        return;
      }
      open.items += items;
      open.cause = cause;
    },
    flush() {
      for (const [signal, { items, cause, timer }] of windows) {
        clearTimeout(timer);
        windows.delete(signal);
        if (items > 0) listener(signal, items, cause);
      }
    },
  };
}
