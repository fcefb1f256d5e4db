/** Who may read the pages of `wirespan ui`, and what a browser lets them do. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { uiWishesOf, UI_OPTIONS } from '../../../receiver/agent/ui-options.ts';
import { startUiServer, type UiServer } from '../../../receiver/ui/server.ts';
import { hasToken, newToken } from '../../../receiver/ui/token.ts';
import { traceUrlProblem } from '../../../receiver/ui/trace-url.ts';
import type { UiModel } from '../../../receiver/ui/model.ts';
import { parseViewArguments } from '../../../receiver/views/options.ts';
import { live, modelOf } from './made.ts';

const PAGES = ['', 'map', 'requests', 'queues', 'health'];
const FILES = ['style.css', 'live.js', 'idiomorph.js'];

describe('the server of the pages', () => {
  const errors: unknown[] = [];
  let server: UiServer;
  let model: UiModel | undefined = modelOf('own', [live(1, 100)]);
  let base: string;
  let port: number;

  before(async () => {
    server = await startUiServer({
      address: { host: '127.0.0.1', port: 0 },
      ...{
        morph: 'export const Idiomorph = {};',
        model: () => model,
        traceUrl: 'http://j.example/{traceId}',
      },
      health: () => Promise.resolve({ groups: [] }),
      onError: (error) => void errors.push(error),
    });
    base = new URL(server.url).pathname;
    port = Number(new URL(server.url).port);
  });
  after(() => server.close());

  /** Until the server closes. */
  async function ask(line: string, host = `127.0.0.1:${port}`): Promise<string> {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    let answer = '';
    socket.setEncoding('utf8').on('data', (part: string) => (answer += part));
    socket.write(`${line} HTTP/1.1\r\nHost: ${host}\r\nOrigin: http://evil.example\r\n\r\n`);
    await once(socket, 'close');
    return answer;
  }

  it('gives everything to who has the token, and a page when there is something to be seen', async () => {
    for (const path of [...PAGES, ...FILES])
      assert.match(await ask(`GET ${base}${path}`), /^HTTP\/1\.1 200 /, path);
    assert.match(await ask(`GET ${base}none`), /^HTTP\/1\.1 404 /);
    const shown = model;
    model = undefined;
    for (const path of PAGES) assert.match(await ask(`GET ${base}${path}`), /^HTTP\/1\.1 503 /, path);
    model = shown;
    assert.deepEqual(errors, []);
  });

  it('gives nothing to who has another token, or none', async () => {
    const token = base.slice(1, -1);
    const other = `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`;
    const wrong = [
      '/',
      '',
      `/${other}/`,
      `/${token}x/`,
      `/${token.slice(0, -1)}/`,
      `/x/${token}/`,
      `/?${token}`,
    ];
    for (const start of [...wrong, `//${token}/`, `/${token.toUpperCase()}/`, 'http://127.0.0.1/'])
      for (const path of ['', 'style.css', 'none']) {
        const answer = await ask(`GET ${start}${path}`);
        assert.match(answer, /^HTTP\/1\.1 40[03] /, start);
        assert.doesNotMatch(answer, /app-1|color-scheme/);
      }
    assert.match(await ask('GET /'), /\r\n\r\nopen the whole address that wirespan ui printed: [^\n]*\n$/);
  });

  it('changes nothing, and is read by no other site', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])
      assert.match(await ask(`${method} ${base}`), /^HTTP\/1\.1 405 /, method);
    assert.match(await ask(`GET ${base}`, 'rebound.example'), /^HTTP\/1\.1 421 /);
    for (const path of [...PAGES, ...FILES, 'none', '../']) {
      const [head = ''] = (await ask(`GET ${base}${path}`)).split('\r\n\r\n');
      assert.doesNotMatch(head, /access-control|set-cookie/i);
      const [, policy = ''] = /Content-Security-Policy: (.*)/.exec(head) ?? [];
      assert.match(
        policy,
        /^default-src 'none'; script-src 'self'; .*base-uri 'none'; frame-ancestors 'none'$/,
        path,
      );
      assert.doesNotMatch(policy, /unsafe|\*|http/);
      assert.match(head, /\r\nReferrer-Policy: no-referrer\r\n/);
      assert.match(head, /\r\nX-Content-Type-Options: nosniff\r\n/);
      assert.match(head, /\r\nCache-Control: no-store\r\n/);
    }
  });

  it('has another token each time', () => {
    const tokens = new Set(Array.from({ length: 100 }, newToken));
    assert.equal(tokens.size, 100);
    for (const token of tokens) {
      assert.match(token, /^[\w-]{32}$/);
      assert.ok(hasToken(`/${token}/map`, token) && !hasToken('/', token) && !hasToken('', token));
    }
  });
});

describe('the command line of the pages', () => {
  const parsed = (...argv: string[]) => uiWishesOf(parseViewArguments('ui', UI_OPTIONS, argv, ['from']));

  it('listens on this machine alone', () => {
    assert.deepEqual(parsed().address, { host: '127.0.0.1', port: 0 });
    assert.deepEqual(parsed('--listen', '[::1]:8080').address, { host: '::1', port: 8080 });
    for (const address of ['0.0.0.0:8080', '[::]:8080', '10.0.0.1:80'])
      assert.throws(() => parsed('--listen', address), /other machines reach, which the page is not for/);
    assert.throws(
      () => parsed('--listen', 'all'),
      /--listen all: is no address: write it as 127\.0\.0\.1:8080/,
    );
  });

  it('refuses what does not go together, and addresses of traces that lead nowhere', () => {
    assert.equal(parsed('case.wirespan').from, 'case.wirespan');
    assert.throws(() => parsed('case.wirespan', '--agent', '/x'), /--agent: is for what happens now/);
    assert.throws(() => parsed('--agent', '/x', '--no-agent'), /does not go with --no-agent/);
    assert.match(traceUrlProblem('http://j.example/trace/') ?? '', /write \{traceId\} there$/);
    for (const template of ['javascript:alert("{traceId}")', 'data:text/html,{traceId}', '/{traceId}'])
      assert.match(traceUrlProblem(template) ?? '', /is no address of the web/);
    assert.equal(traceUrlProblem('https://tempo.example/explore?q={traceId}'), undefined);
  });
});
