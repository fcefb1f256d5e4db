import { createServer, type IncomingMessage } from 'node:http';
import { findFreePorts } from '../backends/process.ts';

/** Takes OTLP over HTTP and hands each request, as it is, to several receivers. */
export interface Tee {
  readonly endpoint: string;
  readonly stop: () => Promise<void>;
}

/** `to`: endpoints, to which the path of each request is added. Answers with the worst of their answers. */
export async function startTee(to: readonly string[]): Promise<Tee> {
  const [port = 0] = await findFreePorts(1);
  const server = createServer((request, response) => {
    void answerOf(request, to)
      .catch(() => 503)
      .then((status) => response.writeHead(status, { 'content-type': 'application/x-protobuf' }).end());
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

async function answerOf(request: IncomingMessage, to: readonly string[]): Promise<number> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const names = ['content-type', 'content-encoding'];
  const headers = Object.fromEntries(names.flatMap((name) => toEntry(name, request.headers[name])));
  const answers = await Promise.all(
    to.map((endpoint) => fetch(`${endpoint}${request.url}`, { method: 'POST', body, headers })),
  );
  return Math.max(...answers.map(({ status }) => (status < 300 ? 200 : status)));
}

function toEntry(name: string, value: string | string[] | undefined): [string, string][] {
  return typeof value === 'string' ? [[name, value]] : [];
}
