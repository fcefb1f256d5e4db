import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { readLocalAddresses } from '../../../receiver/host/local-address-reader.ts';
import { LocalAddressCache } from '../../../receiver/host/local-addresses.ts';

const root = mkdtempSync(join(tmpdir(), 'wirespan-fib-'));
after(() => rmSync(root, { recursive: true }));

const FIB_TRIE = `Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 10.9.9.0/24 2 0 2
        |-- 10.9.9.0
           /24 link UNICAST
Local:
  +-- 0.0.0.0/0 3 0 5
     +-- 10.9.9.0/24 2 0 2
        |-- 10.9.9.1
           /32 host LOCAL
        |-- 10.9.9.255
           /32 link BROADCAST
     +-- 127.0.0.0/8 2 0 2
        +-- 127.0.0.0/31 1 0 0
           |-- 127.0.0.0
              /8 host LOCAL
           |-- 127.0.0.1
              /32 host LOCAL
`;
const IF_INET6 = '00000000000000000000000000000001 01 80 10 80       lo\n';

function makeProcess(pid: number, netns: number, { fib = FIB_TRIE, ipv6 = true } = {}): void {
  mkdirSync(join(root, String(pid), 'ns'), { recursive: true });
  mkdirSync(join(root, String(pid), 'net'));
  symlinkSync(`net:[${netns}]`, join(root, String(pid), 'ns', 'net'));
  writeFileSync(join(root, String(pid), 'net', 'fib_trie'), fib);
  if (ipv6) writeFileSync(join(root, String(pid), 'net', 'if_inet6'), IF_INET6);
}

const ipv4 = (...bytes: number[]): Uint8Array =>
  Uint8Array.from([...bytes, ...new Array<number>(12).fill(0)]);
const LOOPBACK6 = Uint8Array.from([...new Array<number>(15).fill(0), 1]);

describe('readLocalAddresses', () => {
  it('knows addresses and whole networks that are local', () => {
    makeProcess(10, 7);
    const found = readLocalAddresses(10, 7, root);
    const asked = [ipv4(10, 9, 9, 1), ipv4(127, 0, 0, 1), ipv4(127, 200, 0, 9), ipv4(10, 9, 9, 2)];
    assert.deepEqual(
      asked.map((address) => found?.has(address, 4)),
      [true, true, true, false],
    );
    assert.equal(found?.has(ipv4(10, 9, 9, 255), 4), false);
    assert.deepEqual([found.has(LOOPBACK6, 6), found.has(ipv4(10, 9, 9, 1), 6)], [true, false]);
  });

  it('takes a namespace without IPv6, and one where everything is local', () => {
    makeProcess(11, 7, { ipv6: false, fib: '     |-- 0.0.0.0\n        /0 host LOCAL\n' });
    const found = readLocalAddresses(11, 7, root);
    assert.deepEqual([found?.has(LOOPBACK6, 6), found?.has(ipv4(203, 0, 113, 9), 4)], [false, true]);
  });

  it('reads a megabyte at most: the rest is not known to be local', () => {
    const filler = '     |-- 192.0.2.0\n        /24 universe UNICAST\n';
    const first = '     |-- 10.0.0.1\n        /32 host LOCAL\n';
    const last = '     |-- 10.0.0.2\n        /32 host LOCAL\n';
    makeProcess(12, 7, { fib: first + filler.repeat(Math.ceil((1 << 20) / filler.length)) + last });
    const found = readLocalAddresses(12, 7, root);
    assert.deepEqual([found?.has(ipv4(10, 0, 0, 1), 4), found?.has(ipv4(10, 0, 0, 2), 4)], [true, false]);
  });

  it('does not take those of another namespace, or of a process that is gone', () => {
    makeProcess(13, 8);
    assert.equal(readLocalAddresses(13, 7, root), undefined);
    assert.equal(readLocalAddresses(14, 7, root), undefined);
  });
});

describe('LocalAddressCache', () => {
  it('asks once until it is cleared, and the agent where the process cannot tell', () => {
    const asked: number[] = [];
    const cache = new LocalAddressCache((pid) => {
      asked.push(pid);
      return pid === process.pid ? { has: () => true, count: 1 } : undefined;
    });
    for (let i = 0; i < 3; i += 1) assert.equal(cache.of(7, 1)?.has(LOOPBACK6, 6), true);
    assert.deepEqual(asked, [1, process.pid]);
    cache.clear();
    cache.of(7, 1);
    assert.equal(asked.length, 4);
  });
});

describe('LocalAddressCache in bytes', () => {
  it('remembers fewer namespaces when they have many addresses', () => {
    let reads = 0;
    const cache = new LocalAddressCache(() => {
      reads += 1;
      return { has: () => true, count: 30_000 };
    });
    for (const netns of [1, 2, 2, 3, 1]) cache.of(netns, 1);
    assert.equal(reads, 4, 'two of 30,000 have room: the first was read again');
  });

  it('reads no more than the head of a long list', () => {
    makeProcess(60, 7, { ipv6: false });
    const line = (i: number): string => `${i.toString(16).padStart(32, '0')} 01 80 10 80       lo\n`;
    writeFileSync(
      join(root, '60', 'net', 'if_inet6'),
      Array.from({ length: 60_000 }, (_, i) => line(i)).join(''),
    );
    const count = readLocalAddresses(60, 7, root)?.count ?? 0;
    assert.ok(count > 10_000 && count < 30_000, `${count} of 60,000: 1 MiB`);
  });
});
