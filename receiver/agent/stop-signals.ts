import { hasTerminal, isForeground } from '../host/terminal.ts';

const STOPS = ['SIGTERM', 'SIGINT'] as const;
/** npm passes Ctrl-C on to a process that got it already: what comes so soon after is the same press. */
const SAME_PRESS_MS = 1000;

/** What the handlers need to know; tests have their own. */
export interface StopSignalsOptions {
  readonly process?: Pick<NodeJS.EventEmitter, 'on' | 'off'>;
  readonly hasTerminal?: () => boolean;
  readonly isForeground?: () => boolean;
  /** Milliseconds of any steady clock. */
  readonly now?: () => number;
}

/**
 * What signals ask of the agent, from the moment it is made. A whole group may be signalled, and npm passes on what
 * it gets, so each signal may come several times: the first one stops, and repeats change nothing.
 */
export class StopSignals {
  /** Resolves with the signal that ends the agent; later ones are the same stop. */
  readonly stopped: Promise<NodeJS.Signals>;
  /** Resolves when a person at the terminal has pressed Ctrl-C a second time. */
  readonly cutShort: Promise<void>;
  readonly #options: Required<StopSignalsOptions>;
  readonly #hadTerminal: boolean;
  #stop: (signal: NodeJS.Signals) => void = () => undefined;
  #cut: () => void = () => undefined;
  #isStopping = false;
  #pressedMs: number | undefined;
  #reload: (() => void) | undefined;
  #isReloadWanted = false;

  constructor(options: StopSignalsOptions = {}) {
    this.#options = { process, hasTerminal, isForeground, now: () => performance.now(), ...options };
    this.stopped = new Promise((resolve) => (this.#stop = resolve));
    this.cutShort = new Promise((resolve) => (this.#cut = resolve));
    for (const signal of STOPS) this.#options.process.on(signal, this.#onStop);
    this.#options.process.on('SIGHUP', this.#onHangup);
    this.#hadTerminal = this.#options.hasTerminal();
  }

  /** Whether the agent is to end. */
  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** From now on SIGHUP calls `reload`; one that came before does it now. */
  onReload(reload: () => void): void {
    this.#reload = reload;
    if (this.#isReloadWanted) this.#onHangup();
  }

  /** Gives the signals back to the system, for a command that has nothing to finish. */
  release(): void {
    for (const signal of STOPS) this.#options.process.off(signal, this.#onStop);
    this.#options.process.off('SIGHUP', this.#onHangup);
  }

  readonly #onStop = (signal: NodeJS.Signals): void => {
    this.#isStopping = true;
    this.#stop(signal);
    if (signal === 'SIGINT') this.#press();
  };

  #press(): void {
    const nowMs = this.#options.now();
    this.#pressedMs ??= nowMs;
    if (nowMs - this.#pressedMs > SAME_PRESS_MS && this.#options.isForeground()) this.#cut();
  }

  readonly #onHangup = (): void => {
    if (this.#isStopping) return;
    if (this.#hadTerminal && !this.#options.hasTerminal()) {
      this.#isStopping = true;
      this.#stop('SIGHUP');
    } else if (this.#reload === undefined) this.#isReloadWanted = true;
    else this.#reload();
  };
}
