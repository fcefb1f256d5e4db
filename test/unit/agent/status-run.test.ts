import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { askStatus } from '../../../receiver/agent/status-run.ts';
import type { Status } from '../../../receiver/agent/status.ts';

const well: Status = {
  version: '1.2.3',
  pid: 77,
  since: '2026-11-27T09:30:00.123Z',
  ready: { isSo: true, why: 'it is' },
  healthy: { isSo: true, why: 'it is' },
  families: [],
  export: [],
  lost: [],
  memory: { rssBytes: 1, agentBoundBytes: 2, kernelBoundBytes: 3 },
};
const ill = { isSo: false, why: 'it is not' };

describe('who asks for a status', () => {
  let answer = { status: 200, text: '' };
  let listen = '';
  const server = createServer((request, response) => {
    assert.equal(request.url, '/status');
    response.writeHead(answer.status).end(answer.text);
  });
  before(async () => {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    listen = `--health.listen=127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => server.close());

  const kinds: Readonly<Record<string, [status: number, page: unknown, expected: 0 | 1 | 3, said: RegExp]>> =
    {
      'is told of one that is well': [200, well, 0, /ready +it is\n/],
      'is told of one that is not ready': [200, { ...well, ready: ill }, 1, /failed +ready +it is not\n/],
      'is told of one that is ill': [200, { ...well, healthy: ill }, 1, /failed +healthy +it is not\n/],
      'is told of one that starts': [503, 'wait', 1, /has not attached its programs yet$/],
      'takes no other page for one': [200, '<html>', 3, /whatever listens there is no wirespan/],
      'takes no other object for one': [200, { status: 'UP' }, 3, /whatever listens there is no wirespan/],
      'takes no null for one': [200, null, 3, /whatever listens there is no wirespan/],
      'finds another program': [404, '{}', 3, /whatever listens there is no wirespan/],
    };
  for (const [what, [status, page, expected, said]] of Object.entries(kinds))
    it(what, async () => {
      answer = { status, text: typeof page === 'string' ? page : JSON.stringify(page) };
      const got = await askStatus([listen]);
      assert.equal(got.status, expected);
      assert.match(got.text, said);
      const json = await askStatus(['--json', listen]);
      assert.equal(json.status, expected);
      assert.equal(typeof JSON.parse(json.text), 'object');
    });

  it('needs an address', () =>
    assert.rejects(askStatus([]), /health\.listen: is off, so no agent can be asked/));
});
