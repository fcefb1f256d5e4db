import { get } from 'node:http';

const PATIENCE_MS = 5_000;
const MAX_BYTES = 4 * 2 ** 20;

/** What came; `cause`: why nothing did. */
export interface Fetched {
  readonly status?: number;
  readonly text: string;
  readonly cause?: string;
}

/** Asks for a page of this machine's: without a proxy, over a connection of its own, bounded in time and size. */
export function fetchPage(url: string): Promise<Fetched> {
  return new Promise((resolve) => {
    const fail = (cause: string): void => {
      resolve({ text: '', cause });
      request.destroy();
    };
    const request = get(url, { agent: false }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_BYTES) fail('the answer is too long');
        else chunks.push(chunk);
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
      );
      response.on('error', ({ message }) => fail(message));
    });
    const timer = setTimeout(
      () => fail(`no whole answer within ${String(PATIENCE_MS / 1000)} s`),
      PATIENCE_MS,
    );
    request.on('close', () => clearTimeout(timer));
    request.on('error', (error: NodeJS.ErrnoException) =>
      fail(error.code === 'ECONNREFUSED' ? 'nobody listens' : error.message),
    );
  });
}
