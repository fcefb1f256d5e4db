import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { loadConfig } from '../../../config/index.ts';
import { createExporters } from '../../../receiver/export/exporters.ts';
import { exportSettings } from '../../support/export-settings.ts';
import { FileError, readRegularFile, readTextFile } from '../../../text/index.ts';

/** Paths that a user can name and that are no file to read, with what must be said of them. */
async function badFiles(t: TestContext): Promise<Record<string, RegExp>> {
  const folder = mkdtempSync(join(tmpdir(), 'wirespan-files-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const at = (name: string): string => join(folder, name);
  execFileSync('mkfifo', [at('pipe')]);
  mkdirSync(at('folder'));
  symlinkSync(at('pipe'), at('link'));
  symlinkSync(at('loop'), at('loop'));
  writeFileSync(at('large'), '');
  truncateSync(at('large'), 2 ** 20 + 1);
  writeFileSync(at('file'), '');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(at('socket'), resolve));
  t.after(() => server.close());
  return {
    [at('pipe')]: /is a named pipe, and must be a regular file/,
    [at('link')]: /is a named pipe/,
    [at('folder')]: /is a directory/,
    [at('socket')]: /is a socket/,
    '/dev/zero': /is a device/,
    [at('large')]: /has 1048577 bytes, and may have at most 1048576/,
    [at('loop')]: /symbolic links/,
    [at('none')]: /does not exist/,
    [join(at('file'), 'x')]: /a part of its path is no directory/,
    [at('n'.repeat(300))]: /the name is too long/,
  };
}

describe('a file that the user names', () => {
  it('is read when it is one, with its byte order mark left out, and in /proc too', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'wirespan-files-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'file');
    writeFileSync(file, '\uFEFFaddresses: none\n');
    assert.equal(readTextFile(file), 'addresses: none\n');
    assert.match(readTextFile('/proc/self/status'), /^Name:/);
    assert.throws(() => readRegularFile('/proc/self/status', 10), FileError);
    for (const bytes of [
      [0xff, 0xfe, 0x61, 0],
      [0x61, 0],
      [0xc3, 0x28],
    ]) {
      writeFileSync(file, Buffer.from(bytes));
      assert.throws(() => readTextFile(file), new FileError('is no text in UTF-8'));
    }
  });

  it('is refused in a sentence and never waited for, as settings', async (t) => {
    for (const [path, expected] of Object.entries(await badFiles(t))) {
      const sources = { argv: ['--config', path], env: {}, readFile: readTextFile };
      assert.throws(() => loadConfig(sources), { name: 'ConfigError', message: expected });
    }
  });

  it('is refused in a sentence and never waited for, as certificates and keys', async (t) => {
    for (const [path, expected] of Object.entries(await badFiles(t))) {
      for (const protocol of ['grpc', 'http/protobuf'] as const) {
        const to = { protocol, endpoint: 'https://127.0.0.1:9' };
        for (const files of [{ certificate: path }, { clientCertificate: path, clientKey: path }]) {
          const settings = exportSettings({ ...to, ...files });
          assert.throws(() => createExporters(settings), { exitCode: 2, message: expected });
        }
      }
    }
  });
});
