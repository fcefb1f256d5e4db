import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { fetchPage } from '../../../receiver/serve/fetch-page.ts';
import { ListenError } from '../../../receiver/serve/listen.ts';
import {
  MAX_CONNECTIONS,
  plainPage,
  startPageServer,
  type Page,
  type PageServer,
  type PageServerOptions,
} from '../../../receiver/serve/page-server.ts';

const LISTENING = { who: 'The pages', setting: 'health.listen', other: 'another agent' };

describe('the server of pages', () => {
  const errors: unknown[] = [];
  const sockets: Socket[] = [];
  let made = 0;
  let server: PageServer;

  const start = (port: number): Promise<PageServer> => {
    const options: PageServerOptions = {
      address: { host: '127.0.0.1', port },
      listening: LISTENING,
      pages: new Map<string, () => Page | Promise<Page>>([
        ['/well', () => plainPage(200, `made ${++made}`)],
        ['/ill', () => Promise.reject(new Error('no page'))],
      ]),
      onError: (error) => void errors.push(error),
    };
    return startPageServer(options);
  };
  before(async () => {
    server = await start(0);
  });
  after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  async function open(): Promise<Socket> {
    const socket = connect(server.port, '127.0.0.1').on('error', () => undefined);
    sockets.push(socket);
    await once(socket, 'connect');
    return socket;
  }

  /** What comes back until the server closes. */
  async function send(text: string): Promise<string> {
    const socket = await open();
    let answer = '';
    socket.setEncoding('utf8').on('data', (part: string) => (answer += part));
    socket.write(text);
    if (!socket.closed) await once(socket, 'close');
    return answer;
  }
  const ask = (line: string, host = '127.0.0.1'): Promise<string> =>
    send(`${line} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);

  it('answers GET, and HEAD without the page', async () => {
    const got = await ask('GET /well?x=1');
    assert.match(got, /^HTTP\/1\.1 200 OK\r\n/);
    assert.match(got, /\r\nCache-Control: no-store\r\n/);
    assert.match(got, /\r\nConnection: close\r\n[^]*\r\n\r\nmade 1\n$/);
    assert.match(await ask('HEAD /well'), /\r\nContent-Length: 7\r\n[^]*\r\n\r\n$/);
    assert.equal((await fetchPage(`http://127.0.0.1:${server.port}/well`)).text, 'made 3\n');
  });

  it('takes no other method and has no other path', async () => {
    const count = made;
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PATCH'])
      assert.match(await ask(`${method} /well`), /^HTTP\/1\.1 405 [^]*\r\nAllow: GET, HEAD\r\n/, method);
    for (const path of ['/', '/well/', '//well', '/./well', '/WELL', 'http://127.0.0.1/well', '*'])
      assert.match(await ask(`GET ${path}`), /^HTTP\/1\.1 40[04] /, path);
    assert.equal(made, count);
  });

  it('answers who was sent to an address or to localhost, and nobody who was sent to a name', async () => {
    const count = made;
    const own = [
      '127.0.0.1',
      `127.0.0.1:${server.port}`,
      '[::1]:9',
      '10.1.2.3:80',
      'localhost',
      'LOCALHOST:9',
    ];
    for (const host of own) assert.match(await ask('GET /well', host), /^HTTP\/1\.1 200 /, host);
    assert.match(await send('GET /well HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200 /);
    assert.equal(made, count + own.length + 1);
    const others = [
      'rebound.example',
      '127.0.0.1.example:80',
      'localhost.example',
      '1.2.3.4@example',
      '[example]',
      '0x7f.1',
      '',
    ];
    for (const host of others) assert.match(await ask('GET /well', host), /^HTTP\/1\.1 421 /, host);
    assert.match(await send('GET /well HTTP/1.1\r\n\r\n'), /^HTTP\/1\.1 400 /);
    assert.equal(made, count + own.length + 1);
  });

  it('reads no body, no second request and no long head', async () => {
    const count = made;
    const twice = await send(
      'GET /well HTTP/1.1\r\nHost: ::\r\n\r\n'.repeat(2).replaceAll('::', 'localhost'),
    );
    assert.equal(twice.match(/HTTP\/1\.1 200/g)?.length, 1);
    assert.equal(made, count + 1);
    const body = 'GET /well HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n\r\nGET /well';
    assert.match(await send(body), /^HTTP\/1\.1 200 /);
    assert.equal(made, count + 2);
    const long = `GET /well HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(9_000)}\r\n\r\n`;
    assert.match(await send(long), /^HTTP\/1\.1 431 /);
    assert.match(await send('\x16\x03\x01\x02\x00\x01\x00\r\n\r\n'), /^HTTP\/1\.1 400 /);
    assert.equal(made, count + 2);
  });

  it('says that a page could not be made, and tells why to the log alone', async () => {
    const got = await ask('GET /ill');
    assert.match(got, /^HTTP\/1\.1 500 /);
    assert.doesNotMatch(got, /no page/);
    assert.match(String(errors), /no page/);
  });

  it('closes the oldest of too many connections, and answers the youngest', async () => {
    const held: Socket[] = [];
    for (let i = 0; i < MAX_CONNECTIONS + 7; i += 1) held.push(await open());
    for (const socket of held.slice(0, 7)) if (!socket.closed) await once(socket, 'close');
    assert.equal(server.closedForRoom(), 7);
    assert.match(await ask('GET /well'), /^HTTP\/1\.1 200 /);
    assert.equal(server.closedForRoom(), 8);
    for (const socket of held) socket.destroy();
  });

  it('ends a connection on which no head comes to its end', async () => {
    assert.match(await send('GET /well HTTP/1.1\r\nHost: loc'), /^HTTP\/1\.1 408 /);
  });

  it('says in a sentence that its port is taken', async () => {
    await assert.rejects(start(server.port), (error) => {
      assert.ok(error instanceof ListenError && error.exitCode === 2);
      const said = `The pages cannot listen at 127.0.0.1:${server.port} (health.listen): another program listens there, maybe another agent: stop it, or give another port.`;
      assert.equal(error.message, said);
      return true;
    });
  });
});

it('asks for a page within bounds', async () => {
  const endless = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    const fill = (): void => void (socket.writable && socket.write(Buffer.alloc(2 ** 20, 'x'), fill));
    fill();
  }).listen(0, '127.0.0.1');
  await once(endless, 'listening');
  const { port } = endless.address() as AddressInfo;
  assert.equal((await fetchPage(`http://127.0.0.1:${port}/`)).cause, 'the answer is too long');
  endless.close();
  await once(endless, 'close');
  assert.equal((await fetchPage(`http://127.0.0.1:${port}/`)).cause, 'nobody listens');
});
