/** GET /stock/ID over HTTP/1.1: how many there are, for which it looks a while. Prints `listening` when it is ready. */
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { setting } from './setting.ts';

const LOOKS_MS = 15;

const server = createServer((_request, response) => {
  void sleep(LOOKS_MS).then(() => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"left":7}');
  });
});
server.listen(Number(setting('PORT')), '127.0.0.1', () => console.log('listening'));
