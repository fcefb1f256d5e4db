/** Servers that an endpoint may point to by mistake, all of them real, inside the test's process. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { createServer as createTlsServer } from 'node:https';
import {
  connect,
  createServer as createTcpServer,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net';
import { Server as GrpcServer, ServerCredentials } from '@grpc/grpc-js';
import type { Cleanup } from '../../support/cleanup.ts';

/** Files of `makeCertificates`. */
export interface Files {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Its port on 127.0.0.1. */
async function listen(cleanup: Cleanup, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => undefined)));
  cleanup.add(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Reads each request and answers it so. */
export function answering(
  code: number,
  headers: Record<string, string> = {},
  body: string | Buffer = '',
): RequestListener {
  return (request, response) => {
    request.resume().on('end', () => response.writeHead(code, headers).end(body));
  };
}

export function startHttp(cleanup: Cleanup, listener: RequestListener): Promise<number> {
  return listen(cleanup, createServer(listener));
}

export function startHttps(cleanup: Cleanup, { ca, cert, key }: Files, wantsClient = false): Promise<number> {
  const pem = { ca: readFileSync(ca), cert: readFileSync(cert), key: readFileSync(key) };
  return listen(cleanup, createTlsServer({ ...pem, requestCert: wantsClient }, answering(200)));
}

/** Takes connections and closes them at once. */
export function startClosing(cleanup: Cleanup): Promise<number> {
  return listen(
    cleanup,
    createTcpServer((socket) => socket.destroy()),
  );
}

/** Serves HTTP/2 and no gRPC. */
export function startHttp2(cleanup: Cleanup): Promise<number> {
  const server = createHttp2Server();
  server.on('stream', (stream) => {
    stream.on('error', () => undefined);
    stream.respond({ ':status': 404, 'content-type': 'text/plain' });
    stream.end('404 page not found');
  });
  return listen(cleanup, server);
}

/** What a server in Go with TLS says to who comes without. */
export function startGoWithTls(cleanup: Cleanup): Promise<number> {
  const words = 'HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n';
  return listen(
    cleanup,
    createTcpServer((socket) => socket.once('data', () => socket.end(words))),
  );
}

/** A gRPC server without any service. */
export async function startGrpc(cleanup: Cleanup, files?: Files, wantsClient = false): Promise<number> {
  const server = new GrpcServer();
  cleanup.add(() => server.forceShutdown());
  const serving =
    files === undefined
      ? ServerCredentials.createInsecure()
      : ServerCredentials.createSsl(
          readFileSync(files.ca),
          [{ private_key: readFileSync(files.key), cert_chain: readFileSync(files.cert) }],
          wantsClient,
        );
  return await new Promise((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', serving, (error, port) =>
      error === null ? resolve(port) : reject(error),
    ),
  );
}

/** A proxy of HTTP that keeps what it was asked for: `CONNECT host:port`, or `POST http://host:port/path`. */
export interface ProxyServer {
  readonly port: number;
  readonly asked: { readonly what: string; readonly credentials: string | undefined }[];
}

/** Connects everybody to `to`, whatever they asked for; without it refuses with 403. */
export async function startProxy(cleanup: Cleanup, to?: number): Promise<ProxyServer> {
  const asked: ProxyServer['asked'] = [];
  const note = (what: string, headers: NodeJS.Dict<string | string[]>): void =>
    void asked.push({ what, credentials: headers['proxy-authorization'] as string | undefined });
  const server = createServer((request, response) => {
    note(`${request.method ?? ''} ${request.url ?? ''}`, request.headers);
    request.resume().on('end', () => response.writeHead(to === undefined ? 403 : 200).end());
  });
  server.on('connect', (request, socket: Socket, head: Buffer) => {
    note(`CONNECT ${request.url ?? ''}`, request.headers);
    socket.on('error', () => undefined);
    if (to === undefined) {
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      return;
    }
    const onward = connect(to, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    socket.on('close', () => onward.destroy());
  });
  return { port: await listen(cleanup, server), asked };
}
