import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { readListenCounters } from '../../../receiver/host/listen-counters.ts';

const root = mkdtempSync(join(tmpdir(), 'wirespan-netstat-'));
after(() => rmSync(root, { recursive: true }));

function makeProcess(pid: number, netns: number, netstat: string): void {
  mkdirSync(join(root, String(pid), 'ns'), { recursive: true });
  mkdirSync(join(root, String(pid), 'net'));
  symlinkSync(`net:[${netns}]`, join(root, String(pid), 'ns', 'net'));
  writeFileSync(join(root, String(pid), 'net', 'netstat'), netstat);
}

const NETSTAT = `TcpExt: SyncookiesSent ListenOverflows ListenDrops TCPReqQFullDoCookies TCPReqQFullDrop
TcpExt: 1 23 24 5 6
IpExt: ListenOverflows
IpExt: 99
`;

describe('readListenCounters', () => {
  it('reads them by name', () => {
    makeProcess(10, 4026531840, NETSTAT);
    assert.deepEqual(readListenCounters(10, 4026531840, root), {
      acceptOverflows: 23,
      cookies: 5,
      synDrops: 6,
    });
  });

  it('does not take those of another namespace, or of a process that is gone', () => {
    makeProcess(11, 4026532000, NETSTAT);
    assert.equal(readListenCounters(11, 4026531840, root), undefined);
    assert.equal(readListenCounters(12, 4026531840, root), undefined);
  });

  it('knows a kernel without SYN cookies', () => {
    makeProcess(13, 7, 'TcpExt: ListenOverflows\nTcpExt: 3\n');
    assert.deepEqual(readListenCounters(13, 7, root), { acceptOverflows: 3, cookies: 0, synDrops: 0 });
  });
});
