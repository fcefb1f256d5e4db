import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { isAddressed } from './host-header.ts';
import { listen, type Listening, type ServerAddress } from './listen.ts';

/** Connections at once. Of more, the oldest is closed: whoever holds many keeps nobody out. */
export const MAX_CONNECTIONS = 32;
const MAX_HEAD_BYTES = 8_192;
const HEAD_MS = 5_000;
/** Without a byte moved. */
const SILENCE_MS = 10_000;

/** What is answered to a request. */
export interface Page {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** What a page is asked for with. */
export interface Asked {
  readonly query: URLSearchParams;
}

/** A page of plain text, one line. */
export function plainPage(status: number, line: string): Page {
  return { status, type: 'text/plain; charset=utf-8', text: `${line}\n` };
}

/** Pages by their path. */
export type Pages = ReadonlyMap<string, (asked: Asked) => Page | Promise<Page>>;

export interface PageServerOptions {
  readonly address: ServerAddress;
  readonly listening: Listening;
  readonly pages: Pages;
  /** What is answered in the place of all pages, by the path that was asked for; undefined: the page is. */
  readonly guard?: (path: string) => Page | undefined;
  /** Every answer has these, besides those of all servers of pages. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A page that could not be made. */
  readonly onError: (error: unknown) => void;
}

/** A server of small pages over HTTP that are read and never change anything. */
export interface PageServer {
  readonly port: number;
  /** Connections that were closed to make room for younger ones. */
  closedForRoom(): number;
  close(): void;
}

/** Serves pages to GET and HEAD, one request a connection. Throws a ListenError. */
export async function startPageServer(options: PageServerOptions): Promise<PageServer> {
  const { address, listening } = options;
  const server = createServer(
    {
      maxHeaderSize: MAX_HEAD_BYTES,
      headersTimeout: HEAD_MS,
      requestTimeout: HEAD_MS,
      connectionsCheckingInterval: 1_000,
    },
    (request, response) => void answer(request, response, options),
  );
  server.setTimeout(SILENCE_MS);
  // What is sent behind the first request costs no page.
  server.maxRequestsPerSocket = 1;
  const sockets = new Set<Socket>();
  let closed = 0;
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    const [oldest] = sockets;
    if (sockets.size <= MAX_CONNECTIONS || oldest === undefined) return;
    sockets.delete(oldest);
    oldest.destroy();
    closed += 1;
  });
  const port = await listen(server, address, listening);
  return {
    port,
    closedForRoom: () => closed,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: PageServerOptions,
): Promise<void> {
  const { status, type, text } = await pageFor(request, options).catch((error: unknown) => {
    options.onError(error);
    return plainPage(500, 'the page could not be made; the log of the agent says why');
  });
  const body = Buffer.from(text);
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': body.length,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    Connection: 'close',
    ...options.headers,
    ...(status === 405 && { Allow: 'GET, HEAD' }),
  });
  // Node leaves it out for HEAD.
  response.end(body);
}

async function pageFor(
  { method = '', url = '', headers }: IncomingMessage,
  { pages, guard }: PageServerOptions,
): Promise<Page> {
  if (!isAddressed(headers.host))
    return plainPage(421, 'requests are answered that are sent to an IP address or to localhost');
  const [path = ''] = url.split('?', 1);
  const refused = guard?.(path);
  if (refused !== undefined) return refused;
  const page = pages.get(path);
  if (page === undefined) return plainPage(404, `there are ${[...pages.keys()].join(', ')}`);
  if (method !== 'GET' && method !== 'HEAD') return plainPage(405, 'pages are asked for by GET or HEAD');
  return await page({ query: new URLSearchParams(url.slice(path.length + 1)) });
}
