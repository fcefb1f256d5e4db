import { ConfigError, type AppConfig } from '../../config/index.ts';
import type { KernelOptions } from '../source/kernel-options.ts';
import { planReload, type LoadedSettings } from './reload-plan.ts';

export interface ReloaderOptions {
  /** In force at first. */
  readonly running: LoadedSettings;
  /** What the kernel side was started with. */
  readonly started: KernelOptions;
  /** Reads all sources again. Throws ConfigError. */
  load(): LoadedSettings;
  /** Puts these settings in force. */
  apply(config: AppConfig): void;
  readonly log: Record<'info' | 'warn' | 'error', (message: string) => void>;
}

/** Reads the settings again and puts in force what can be; bad ones change nothing. */
export class Reloader {
  readonly #options: ReloaderOptions;
  #running: LoadedSettings;

  constructor(options: ReloaderOptions) {
    this.#options = options;
    this.#running = options.running;
  }

  reload(): void {
    const { started, log } = this.#options;
    const fresh = this.#load();
    if (fresh === undefined) return;
    const { next, applied, needsRestart } = planReload(this.#running, fresh, started);
    if (applied.length > 0) this.#options.apply(next.config);
    this.#running = next;
    log.info(`the settings were read again; changed: ${applied.length > 0 ? applied.join(', ') : 'none'}`);
    if (needsRestart.length > 0) log.warn(`needs a restart: ${needsRestart.join(', ')}`);
  }

  #load(): LoadedSettings | undefined {
    try {
      return this.#options.load();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      const problems = error.message.split('\n').join('; ');
      this.#options.log.error(`the settings stay as they are, the new ones cannot be used: ${problems}`);
      return undefined;
    }
  }
}
