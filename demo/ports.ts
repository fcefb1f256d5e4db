import { createServer } from 'node:net';
import { findFreePorts } from '../test/backends/process.ts';

/** The port of 127.0.0.1 that is wanted when it is free, else another one. */
export async function portNear(wanted: number): Promise<number> {
  if (await isFree(wanted)) return wanted;
  const [port = 0] = await findFreePorts(1);
  return port;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
