/** `wirespan tcpconnect -d`: the name that a peer's address was asked for by, beside a name server and a resolver. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { startView } from '../support/view.ts';
import { waitFor } from '../support/wait.ts';

interface Connect {
  readonly address: string;
  readonly port: number;
  readonly query: string | null;
}

describe('tcpconnect -d', () => {
  const cleanup = new Cleanup();
  afterEach(() => cleanup.run());

  it('names the peer of each connect as its address was asked for last, and what nobody asked for by no name', async () => {
    const room = new NetNamespace();
    cleanup.add(() => room.remove());
    const peers = join(import.meta.dirname, 'named-peers.ts');
    const child = spawn('ip', ['netns', 'exec', room.name, process.execPath, peers], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const gone = new Promise((resolve) => child.once('close', resolve));
    cleanup.add(() => {
      child.kill('SIGKILL');
      return gone;
    });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    await waitFor('the name server', () => said.startsWith('ready\n'));
    const pid = ['-p', String(child.pid)];
    const [lines, counts] = await Promise.all([
      startView(cleanup, 'tcpconnect', '-d', ...pid, '--json'),
      startView(cleanup, 'tcpconnect', '-d', '-c', ...pid, '--json'),
    ]);
    child.stdin.end('go\n');
    await gone;
    const did = JSON.parse(said.split('\n')[1] ?? '') as readonly Connect[];
    for (const view of [lines, counts]) assert.equal(await view.stop(), 0);
    assert.deepEqual(
      lines
        .rows()
        .map((row) => ({ address: row['remote_address'], port: row['remote_port'], query: row['query'] })),
      did,
    );
    // At the end: the names that the addresses have then.
    const expected = new Map(did.map(({ address, query }) => [address, query]));
    const seen = new Map(counts.rows().map((row) => [row['remote_address'], row['query']]));
    assert.deepEqual(seen, expected);
    assert.equal(
      counts.rows().reduce((sum, row) => sum + Number(row['connects']), 0),
      did.length,
    );
  });
});
