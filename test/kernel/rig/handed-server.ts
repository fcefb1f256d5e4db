/**
 * A server whose listener is opened by one process and accepted from by another, its child. Prints
 * `{"port":…,"child":…}`; ends with its standard input.
 */
import { fork } from 'node:child_process';
import { createServer, type Server } from 'node:net';

if (process.argv[2] === 'child') {
  process.on('message', (_, server) => {
    (server as Server).on('connection', (socket) => socket.on('data', (data) => socket.end(data)));
    process.send?.('ready');
  });
} else {
  const child = fork(import.meta.filename, ['child']);
  const server = createServer();
  server.listen(0, '127.0.0.1', () => child.send('server', server));
  child.once('message', () => {
    const address = server.address();
    server.close();
    const port = typeof address === 'object' ? address?.port : undefined;
    process.stdout.write(`${JSON.stringify({ port, child: child.pid })}\n`);
  });
  process.stdin.resume().once('end', () => {
    child.kill();
    process.exit();
  });
}
