/** told-server.ts PORT: answers each HTTP request, and prints the peer's port and the `traceparent` of each as a JSON line. */
import { createServer } from 'node:http';

const server = createServer((request, response) => {
  const { remotePort } = request.socket;
  process.stdout.write(`${JSON.stringify({ remotePort, traceparent: request.headers.traceparent })}\n`);
  response.end('r'.repeat(1_000));
});
server.listen(Number(process.argv[2]), '127.0.0.1', () => process.stdout.write('listening\n'));
