import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { notifyManager } from '../../native/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'wirespan-notify-'));
after(() => {
  delete process.env['NOTIFY_SOCKET'];
  rmSync(folder, { recursive: true });
});

/** Binds the socket as a manager does, says so, and prints the first message. */
const MANAGER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1].replace('@', chr(0), 1))
s.settimeout(20)
print('bound', flush=True)
print(s.recv(4096).decode(), flush=True)
`;

for (const [what, name] of [
  ['a socket in the file system', join(folder, 'socket')],
  ['an abstract socket', `@wirespan-test-${process.pid}`],
] as const)
  test(`a manager is told at ${what}`, async () => {
    const manager = spawn('python3', ['-c', MANAGER, name], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface({ input: manager.stdout })[Symbol.asyncIterator]();
    assert.equal((await lines.next()).value, 'bound');
    process.env['NOTIFY_SOCKET'] = name;
    assert.equal(notifyManager('READY=1'), 0);
    assert.equal((await lines.next()).value, 'READY=1');
  });

test('without a manager nothing happens; one that is not there, or cannot be, is an errno', () => {
  process.env['NOTIFY_SOCKET'] = '';
  assert.equal(notifyManager('READY=1'), 0);
  process.env['NOTIFY_SOCKET'] = join(folder, 'nobody');
  assert.equal(notifyManager('READY=1'), constants.errno.ENOENT);
  process.env['NOTIFY_SOCKET'] = `/${'x'.repeat(200)}`;
  assert.equal(notifyManager('READY=1'), constants.errno.ENAMETOOLONG);
});
