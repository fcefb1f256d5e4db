import type { AppConfig } from '../../config/index.ts';
import type { Player } from '../recording/player.ts';
import { TapedKernel } from '../recording/taped-kernel.ts';
import { TapedMachine } from '../recording/taped-machine.ts';
import { Pipeline, type Outlets } from './pipeline.ts';
import type { Pace } from './replay-pace.ts';

/** What is asked of who replays. */
export interface ReplayHooks {
  /** Sums were read, at this time of then. `isLast`: the programs were detached before that. */
  collected(isLast: boolean): Promise<void> | void;
  /** After each step, before the next. */
  stepped?(): Promise<void> | void;
}

/** The agent's own pipeline, which does step by step what it did when it was recorded. */
export class PipelineReplay {
  readonly pipeline: Pipeline;
  readonly #player: Player;
  readonly #pace: Pace;

  constructor(parts: { readonly player: Player; readonly pace: Pace }, config: AppConfig, outlets: Outlets) {
    const { player, pace } = parts;
    this.#player = player;
    this.#pace = pace;
    // What the pipeline asks when it begins was answered in the first step.
    player.step();
    this.pipeline = new Pipeline(new TapedKernel(player), config, outlets, new TapedMachine(player));
  }

  /** True when it came to the end of what was recorded; false: it was cut off, or a signal came. */
  async run(hooks: ReplayHooks): Promise<boolean> {
    let isEnded = false;
    for (let step = this.#player.step(); step !== undefined; step = this.#player.step()) {
      await this.#pace.wait(step.atNs, () => false);
      if (this.#pace.isStopping) return false;
      const { pipeline } = this;
      if (step.name === 'drain') pipeline.drain();
      else if (step.name === 'tick') pipeline.tick();
      else if (step.name === 'sweep') pipeline.sweepEnded();
      else {
        isEnded = step.name === 'stop';
        if (isEnded) pipeline.stop();
        pipeline.collect();
        await hooks.collected(isEnded);
      }
      await hooks.stepped?.();
    }
    return isEnded;
  }
}
