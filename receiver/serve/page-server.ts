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

/** A page of plain text, one line. */
export function plainPage(status: number, line: string): Page {
  return { status, type: 'text/plain; charset=utf-8', text: `${line}\n` };
}

/** Pages by their path. */
export type Pages = ReadonlyMap<string, () => Page | Promise<Page>>;

export interface PageServerOptions {
  readonly address: ServerAddress;
  readonly listening: Listening;
  readonly pages: Pages;
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
export async function startPageServer({
  address,
  listening,
  pages,
  onError,
}: PageServerOptions): Promise<PageServer> {
  const server = createServer(
    {
      maxHeaderSize: MAX_HEAD_BYTES,
      headersTimeout: HEAD_MS,
      requestTimeout: HEAD_MS,
      connectionsCheckingInterval: 1_000,
    },
    (request, response) => void answer(request, response, pages, onError),
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
  pages: Pages,
  onError: (error: unknown) => void,
): Promise<void> {
  const { status, type, text } = await pageFor(request, pages).catch((error: unknown) => {
    onError(error);
    return plainPage(500, 'the page could not be made; the log of the agent says why');
  });
  const body = Buffer.from(text);
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': body.length,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    Connection: 'close',
    ...(status === 405 && { Allow: 'GET, HEAD' }),
  });
  // Node leaves it out for HEAD.
  response.end(body);
}

async function pageFor({ method = '', url = '', headers }: IncomingMessage, pages: Pages): Promise<Page> {
  if (!isAddressed(headers.host))
    return plainPage(421, 'requests are answered that are sent to an IP address or to localhost');
  const page = pages.get(url.split('?', 1)[0] ?? '');
  if (page === undefined) return plainPage(404, `there are ${[...pages.keys()].join(', ')}`);
  if (method !== 'GET' && method !== 'HEAD') return plainPage(405, 'pages are asked for by GET or HEAD');
  return await page();
}
