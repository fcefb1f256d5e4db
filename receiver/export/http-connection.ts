import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent, request as requestPlain } from 'node:http';
import { Agent as TlsAgent, request as requestTls } from 'node:https';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { BodyForm } from './body-form.ts';
import type { Connection } from './connection.ts';
import { MAX_ANSWER_BYTES } from './connection.ts';
import type { TlsFiles } from './endpoint-security.ts';
import { judgeFailure, judgeStatus } from './failure.ts';
import type { Proxy } from './options.ts';
import type { Answer } from './send-result.ts';
import { createSockets } from './sockets.ts';

export interface HttpConnectionOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: 'none' | 'gzip';
  readonly userAgent: string;
  readonly tls: TlsFiles;
  readonly proxy: Proxy | undefined;
}

const compress = promisify(gzip);

/**
 * Posts to one URL over a connection that is kept. Redirects are not followed: the specification knows
 * none. No time limit of its own: who sends aborts. See docs/decisions/0024.
 */
export function createHttpConnection(options: HttpConnectionOptions): Connection {
  return new HttpConnection(options);
}

class HttpConnection implements Connection {
  readonly #options: HttpConnectionOptions;
  readonly #url: URL;
  readonly #agent: Agent;
  #sockets = createSockets();

  constructor(options: HttpConnectionOptions) {
    this.#options = options;
    this.#url = new URL(options.url);
    const { proxy, tls } = options;
    // Which endpoint has a proxy is settled: Node must not choose again.
    const proxyEnv = proxy && { http_proxy: proxy.url, https_proxy: proxy.url };
    const common = { keepAlive: true, ...(proxyEnv && { proxyEnv }) };
    this.#agent = this.#url.protocol === 'https:' ? new TlsAgent({ ...common, ...tls }) : new Agent(common);
  }

  async send(bytes: Uint8Array, given?: BodyForm): Promise<Answer> {
    const sockets = this.#sockets;
    const isZipped = this.#options.compression === 'gzip';
    const form = given ?? { type: 'application/x-protobuf', ...(isZipped && { encoding: 'gzip' }) };
    const body = isZipped && given === undefined ? await compress(bytes) : bytes;
    while (sockets === this.#sockets) {
      const answer = await sockets.run(() => this.#post(body, form));
      // The collector closed the idle connection while the request was on its way: nobody read it.
      if (answer !== 'stale') return answer;
    }
    return judgeFailure('aborted');
  }

  abort(): void {
    this.#sockets.close();
    this.#sockets = createSockets();
  }

  close(): void {
    this.abort();
    this.#agent.destroy();
  }

  #post(body: Uint8Array, form: BodyForm): Promise<Answer | 'stale'> {
    return new Promise((resolve) => {
      const request = this.#createRequest(body.length, form);
      request.on('response', (response) => readAnswer(response, resolve));
      request.on('error', (error: NodeJS.ErrnoException) => {
        const isReset = error.code === 'ECONNRESET' || error.code === 'EPIPE';
        resolve(isReset && request.reusedSocket ? 'stale' : judgeFailure(error));
      });
      request.on('close', () => resolve(judgeFailure('the connection was closed')));
      request.end(body);
    });
  }

  #createRequest(bytes: number, { type, encoding }: BodyForm): ClientRequest {
    const { headers, userAgent } = this.#options;
    const request = this.#url.protocol === 'https:' ? requestTls : requestPlain;
    return request(this.#url, {
      method: 'POST',
      agent: this.#agent,
      headers: {
        'User-Agent': userAgent,
        ...headers,
        'Content-Type': type,
        'Content-Length': bytes,
        ...(encoding !== undefined && { 'Content-Encoding': encoding }),
      },
    });
  }
}

/** Reads the answer up to its bound; one that is cut off in the middle is none. */
function readAnswer(response: IncomingMessage, resolve: (answer: Answer) => void): void {
  const chunks: Buffer[] = [];
  let size = 0;
  response.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size <= MAX_ANSWER_BYTES) {
      chunks.push(chunk);
      return;
    }
    resolve(judgeFailure(`the answer is longer than ${MAX_ANSWER_BYTES} bytes: is that a collector?`));
    response.destroy();
  });
  response.on('end', () => resolve(judgeStatus(response, Buffer.concat(chunks))));
  response.on('error', (error) => resolve(judgeFailure(error)));
}
