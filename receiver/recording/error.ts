/** A recording that cannot be written, or nothing of which can be read; the message is one sentence. */
export class RecordingError extends Error {
  /** 2: another file, or another name, is to be given; 1: it failed. */
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2) {
    super(message);
    this.exitCode = exitCode;
  }
}
