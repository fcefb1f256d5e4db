import { setLogger } from '@grpc/grpc-js';
import { outsideText } from '../../text/index.ts';

/** Different lines that are told; each once: the library repeats them with every attempt. */
const MAX_LINES = 20;

/**
 * The gRPC library writes to standard error by itself, a line an attempt, and its tracing would write
 * headers there. From now on each line goes to `tell` once, and tracing nowhere.
 */
export function takeGrpcLog(tell: (line: string) => void): void {
  const told = new Set<string>();
  const nothing = (): void => undefined;
  const error = (text: unknown): void => {
    const line = outsideText(String(text));
    if (told.has(line) || told.size >= MAX_LINES) return;
    told.add(line);
    tell(line);
  };
  setLogger({ error, info: nothing, debug: nothing });
}
