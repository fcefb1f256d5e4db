import { Console } from 'node:console';
import { Writable } from 'node:stream';
import type { AppConfig } from '../../config/index.ts';
import { LiveJson } from '../cli/live.ts';
import { LivePages } from '../cli/live-pages.ts';
import { LiveScreen } from '../cli/live-screen.ts';
import { createLog, type Logger } from '../cli/log.ts';
import type { Dropped } from '../cli/output.ts';
import type { Outputs } from '../cli/outputs.ts';
import type { LiveView } from '../cli/table-frames.ts';
import { canDraw, hasColours, pageWidth } from '../cli/terminal-abilities.ts';

type Live = LiveScreen | LivePages | LiveJson;

const NOTHING_SHOWN =
  'what is seen leaves by OTLP and is not shown here: --output=table shows it, --output=json gives it to programs';

/** A deprecation: the gRPC library names the server it connects to by TLS also where that is an IP address. */
const IP_AS_SERVER_NAME = 'DEP0123';

/** What the agent shows: its log and, if wanted, what it sees now. Nothing here waits for a reader. */
export class AgentOutput {
  readonly log: Logger;
  readonly live: Live | undefined;
  readonly #outputs: Outputs;

  constructor(config: AppConfig, outputs: Outputs, read: () => LiveView) {
    this.#outputs = outputs;
    this.live = this.#createLive(config.output, read);
    const isTerminal = outputs.isTerminal.stderr;
    const hasColour = isTerminal && hasColours(process.stderr);
    const write = (line: string): void => this.#writeLog(line);
    this.log = createLog({ level: config.logLevel, isTerminal, hasColour, stream: { write } });
    const { stdout, stderr } = outputs;
    for (const [stream, output] of Object.entries({ stdout, stderr }))
      output.onFlow = (dropped) => this.#onFlow(stream, dropped);
    logStrayWords(this.log);
  }

  /** Shows the first frame; `isAsked`: somebody said what standard output shows. */
  start(isAsked: boolean): void {
    this.live?.start();
    const { stdout, stderr, isKept } = this.#outputs;
    // Who leads it elsewhere and finds nothing there would not know why. The log is there where both are one.
    if (this.live !== undefined || isAsked || !isKept || stdout === stderr) return;
    const stream = { write: (line: string): void => void stdout.write(line) };
    createLog({ level: 'info', isTerminal: false, stream }).info(NOTHING_SHOWN);
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

  #createLive(kind: AppConfig['output'], read: () => LiveView): Live | undefined {
    if (kind === 'none') return undefined;
    const { stdout, isTerminal } = this.#outputs;
    const options = {
      stream: stdout,
      read,
      onGone: (cause: string) =>
        this.log.warn({ cause }, 'nobody reads the live view any more: it ends, the agent goes on'),
    };
    if (kind === 'table') {
      return isTerminal.stdout && canDraw(process.env)
        ? new LiveScreen({ ...options, size: () => process.stdout })
        : new LivePages({ ...options, width: pageWidth() });
    }
    const onSkipped = (intervals: number): void =>
      this.log.warn({ intervals }, 'standard output was not read for a while: these intervals are left out');
    return new LiveJson({ ...options, onSkipped });
  }

  /** On a terminal with a table, above it: else the two would tear each other. */
  #writeLog(line: string): void {
    const { live } = this;
    const { stderr, isTerminal } = this.#outputs;
    if (isTerminal.stderr && live instanceof LiveScreen && live.isRunning) live.writeAbove(line);
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
