import { Console } from 'node:console';
import { Writable } from 'node:stream';
import type { AppConfig } from '../../config/index.ts';
import { LiveJson, LiveTable, type LiveView } from '../cli/live.ts';
import { createLog, type Logger } from '../cli/log.ts';
import type { Dropped } from '../cli/output.ts';
import type { Outputs } from '../cli/outputs.ts';

/** A deprecation: the gRPC library names the server it connects to by TLS also where that is an IP address. */
const IP_AS_SERVER_NAME = 'DEP0123';

/** What the agent shows: its log and, if wanted, what it sees now. Nothing here waits for a reader. */
export class AgentOutput {
  readonly log: Logger;
  readonly live: LiveTable | LiveJson | undefined;
  readonly #outputs: Outputs;

  constructor(config: AppConfig, outputs: Outputs, read: () => LiveView) {
    this.#outputs = outputs;
    this.live = this.#createLive(config.output, read);
    const isTerminal = outputs.isTerminal.stderr;
    const write = (line: string): void => this.#writeLog(line);
    this.log = createLog({ level: config.logLevel, isTerminal, stream: { write } });
    const { stdout, stderr } = outputs;
    for (const [stream, output] of Object.entries({ stdout, stderr }))
      output.onFlow = (dropped) => this.#onFlow(stream, dropped);
    logStrayWords(this.log);
  }

  /** What the streams did not take since the start: lines of the log, frames of the live view. */
  dropped(): { readonly stream: 'stdout' | 'stderr'; readonly count: number }[] {
    const { stdout, stderr } = this.#outputs;
    const frames = this.live?.skippedFrames ?? 0;
    return [
      { stream: 'stdout', count: frames + (stdout === stderr ? 0 : stdout.dropped) },
      { stream: 'stderr', count: stderr.dropped },
    ];
  }

  #createLive(kind: AppConfig['output'], read: () => LiveView): LiveTable | LiveJson | undefined {
    if (kind === 'none') return undefined;
    const { stdout, isTerminal } = this.#outputs;
    const options = {
      stream: stdout,
      read,
      onGone: (cause: string) =>
        this.log.warn({ cause }, 'nobody reads the live view any more: it ends, the agent goes on'),
    };
    if (kind === 'table')
      return new LiveTable({ ...options, size: () => (isTerminal.stdout ? process.stdout : {}) });
    const onSkipped = (intervals: number): void =>
      this.log.warn({ intervals }, 'standard output was not read for a while: these intervals are left out');
    return new LiveJson({ ...options, onSkipped });
  }

  /** On a terminal with a table, above it: else the two would tear each other. */
  #writeLog(line: string): void {
    const { live } = this;
    const { stderr, isTerminal } = this.#outputs;
    if (isTerminal.stderr && live instanceof LiveTable && live.isRunning) live.writeAbove(line);
    else stderr.write(line);
  }

  #onFlow(stream: string, { writes, cause }: Dropped): void {
    const why = cause === 'EAGAIN' ? 'nobody read it' : `it failed with ${cause}`;
    this.log.warn({ stream, dropped: writes }, `lines of this output are missing: ${why} for a while`);
  }
}

/** What Node.js and libraries say by themselves would go to the streams directly, and wait there. */
function logStrayWords(log: Logger): void {
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    if ((warning as NodeJS.ErrnoException).code !== IP_AS_SERVER_NAME)
      log.warn({ err: warning }, 'Node.js warns');
  });
  const words = new Writable({
    write(chunk: Buffer, _encoding, done) {
      log.warn(chunk.toString().trimEnd());
      done();
    },
  });
  globalThis.console = new Console(words, words);
}
