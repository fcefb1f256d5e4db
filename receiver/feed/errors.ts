import { outsideText } from '../../text/index.ts';

/** A place where views cannot read; one sentence for the user, who can mend it. */
export class FeedError extends Error {
  /** That of bad settings. */
  readonly exitCode = 2;
}

/** Nothing is to be read from the agent, or no more; one sentence without its end. */
export class FeedReadError extends Error {
  /** Nobody is there. */
  readonly isAbsent: boolean;
  readonly exitCode = 1;

  constructor(path: string, why: string, isAbsent = false) {
    super(`the agent at ${outsideText(path)} ${why}`);
    this.isAbsent = isAbsent;
  }
}
