/**
 * hostile-peer.ts serve: answers whatever has a blank line; prints {"port":N} when it listens.
 * hostile-peer.ts repeat PORT COUNT VALUE: that many requests with this one `traceparent`, over a few connections, several in a write.
 * hostile-peer.ts halves PORT COUNT: that many connections that send half a head each; prints {"connections":N} when all are
 * open, and closes them when its standard input ends.
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const CONNECTIONS = 100;
/** So many heads of one write are read; with more the connection is given up. */
const IN_A_WRITE = 4;
/** Handshakes at once: below what an accept queue holds. */
const AT_ONCE = 64;

function serve(): void {
  const server = createServer((socket) => {
    socket.on('data', (bytes) => {
      const ends = bytes.toString('latin1').split('\r\n\r\n').length - 1;
      if (ends > 0) socket.write(ANSWER.repeat(ends));
    });
    socket.on('error', () => socket.destroy());
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: 511 }, () => {
    process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`);
  });
}

async function opened(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  await once(socket, 'connect');
  return socket;
}

/** Each write waits for all of its answers. */
async function repeat(port: number, count: number, value: string): Promise<void> {
  const request = `GET /a HTTP/1.1\r\nHost: a\r\ntraceparent: ${value}\r\n\r\n`;
  const each = async (): Promise<void> => {
    const socket = await opened(port);
    for (let sent = 0; sent < count / CONNECTIONS; sent += IN_A_WRITE) {
      socket.write(request.repeat(IN_A_WRITE));
      for (let left = ANSWER.length * IN_A_WRITE; left > 0;) {
        const [bytes] = (await once(socket, 'data')) as [Buffer];
        left -= bytes.length;
      }
    }
    socket.end();
    await once(socket, 'close');
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, each));
}

async function halves(port: number, count: number): Promise<void> {
  const sockets: Socket[] = [];
  const each = async (): Promise<void> => {
    for (let left = Math.ceil(count / AT_ONCE); left > 0 && sockets.length < count; left -= 1) {
      const socket = connect(port, '127.0.0.1');
      sockets.push(socket);
      await once(socket, 'connect');
      socket.write('GET /a HTTP/1.1\r\nHost: a\r\ntracepar');
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, each));
  process.stdout.write(`${JSON.stringify({ connections: sockets.length })}\n`);
  process.stdin.resume();
  await once(process.stdin, 'end');
  for (const socket of sockets) socket.end();
}

const [mode, port, count, value] = process.argv.slice(2);
if (mode === 'serve') serve();
else if (mode === 'repeat') await repeat(Number(port), Number(count), value ?? '');
else await halves(Number(port), Number(count));
