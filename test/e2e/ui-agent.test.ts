/** `wirespan ui` of a running agent: what its socket and its health say, without programs of its own. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { findFreePorts } from '../backends/process.ts';
import { startAgent } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { TcpScript } from '../support/script.ts';
import { startViewWith } from '../support/view.ts';
import { waitFor } from '../support/wait.ts';
import { ShownPage, startBrowser } from './report-page.ts';

const [SENT, CONNECTIONS, LIVING] = [5_003, 7, 40_009];
const cleanup = new Cleanup();
after(() => cleanup.run());

it('shows what an agent sees, and how it is, and says when it has ended', async () => {
  const [port = 0] = await findFreePorts(1);
  const health = { WIRESPAN_HEALTH_LISTEN: `127.0.0.1:${port}` };
  const socket = join(cleanup.makeFolder(), 'views.sock');
  const { client, server } = TcpScript.openPair(cleanup);
  const agent = await startAgent({
    ...{ ...health, WIRESPAN_VIEWS_SOCKET: socket },
    WIRESPAN_OTLP_ENDPOINT: 'http://127.0.0.1:9',
  });
  cleanup.add(() => agent.kill());
  const view = await startViewWith(health, cleanup, 'ui', '--agent', socket, '-p', String(client.pid));
  const url = view.stdout().trim();
  const page = await ShownPage.at(await startBrowser(cleanup), url);
  const { listener, port: to } = await server.listen();
  for (let i = 0; i < CONNECTIONS; i += 1) {
    const [own, accepted] = [client.next(), server.next()];
    await client.run('socket', own);
    await client.run('connect', own, to);
    await server.run('accept', accepted, listener);
    await client.run('fill', own, SENT + i);
    await server.run('read', accepted, SENT + i);
    await client.run('close', own);
    await server.run('close', accepted);
  }
  const sent = async (): Promise<unknown[]> => (await page.rows('connections')).map((row) => row[6]?.value);
  await waitFor(
    'all to be shown',
    async () => (await sent()).filter((each) => each !== undefined).length === CONNECTIONS,
  );
  assert.deepEqual(new Set(await sent()), new Set(Array.from({ length: CONNECTIONS }, (_, i) => SENT + i)));
  for (const [process, , remote, state] of await page.rows('connections'))
    assert.deepEqual(
      [process?.text, remote?.text, state?.text],
      [`tcp-script ${client.pid}`, `127.0.0.1:${to}`, 'CLOSE'],
    );
  const living = client.next();
  const accepted = server.next();
  await client.run('socket', living);
  await client.run('connect', living, to);
  await server.run('accept', accepted, listener);
  await client.run('fill', living, LIVING);
  await waitFor('what a living connection moved', async () =>
    (await page.rows('connections')).some(
      (row) => row[3]?.text === 'ESTAB' && row.some(({ value }) => value === LIVING),
    ),
  );
  await page.page.goto(`${url}health`);
  const [agentRow, ready] = await page.rows('agent-0');
  assert.match(agentRow?.[2]?.text ?? '', new RegExp(`, pid ${agent.pid}, `));
  assert.deepEqual([ready?.[0]?.text, ready?.[1]?.text], ['ready', 'ok']);
  assert.deepEqual(page.complaints, []);
  await agent.stop();
  assert.equal(await view.ended(), 1);
  assert.match(view.stderr(), /: the agent at \S+ ended, and so does this\n$/);
});
