import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NO_OWNER, OwnerTable } from '../../../receiver/decode/owners.ts';
import type { Owner } from '../../../receiver/model/resource.ts';
import { Image } from '../../fixtures/records/image.ts';
import { writeOwnerInfo } from '../../fixtures/records/write-records.ts';
import { ownerKey, type ProcessKey } from '../../fixtures/records/write-rows.ts';

/** A kernel's `owners` map that counts how often it is asked. */
class KernelOwners {
  asked: string[] = [];
  readonly #infos = new Map<string, Uint8Array>();

  add(key: ProcessKey, command: string): void {
    const info = writeOwnerInfo(new Image(64), 0, {
      ...key,
      command,
      executable: `/${command}`,
      cgroupId: 9n,
      netns: 7,
    });
    this.#infos.set(hexOf(ownerKey(key)), info.bytes);
  }

  lookup = (key: Uint8Array, info: Uint8Array): boolean => {
    this.asked.push(hexOf(key));
    const found = this.#infos.get(hexOf(key));
    if (found !== undefined) info.set(found);
    return found !== undefined;
  };
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** Where a record would have its `struct owner_key`. */
function find(table: OwnerTable, key: ProcessKey): Owner {
  const bytes = Buffer.concat([Buffer.alloc(3), ownerKey(key)]);
  return table.find(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 3);
}

const NGINX = { startNs: 100n, pid: 10 };
const CURL = { startNs: 200n, pid: 20 };

function owner({ pid, startNs }: ProcessKey, command: string): Owner {
  return { pid, startNs, execs: 0, command, executable: `/${command}`, cgroupId: 9n, netns: 7 };
}

describe('OwnerTable', () => {
  it('asks the kernel for what no record told, once', () => {
    const kernel = new KernelOwners();
    kernel.add(NGINX, 'nginx');
    const table = new OwnerTable(8, kernel.lookup);
    assert.deepEqual(find(table, NGINX), owner(NGINX, 'nginx'));
    assert.deepEqual(find(table, NGINX), owner(NGINX, 'nginx'));
    assert.deepEqual(kernel.asked, [hexOf(ownerKey(NGINX))]);
  });

  it('does not ask for what a record told', () => {
    const table = new OwnerTable(8, () => assert.fail('asked'));
    table.learn(owner(CURL, 'curl'));
    assert.deepEqual(find(table, CURL), owner(CURL, 'curl'));
  });

  it('keeps identity for a process that nobody knows, and asks again later', () => {
    const kernel = new KernelOwners();
    const table = new OwnerTable(8, kernel.lookup);
    assert.deepEqual(find(table, CURL), {
      ...CURL,
      execs: 0,
      command: '',
      executable: '',
      cgroupId: 0n,
      netns: 0,
    });
    kernel.add(CURL, 'curl');
    assert.equal(find(table, CURL).command, 'curl');
    assert.equal(table.size, 1);
  });

  it('believes the newest record, also about the process that it was just asked for', () => {
    const table = new OwnerTable(8, () => false);
    table.learn(owner(CURL, 'sh'));
    assert.equal(find(table, CURL).command, 'sh');
    table.learn(owner(CURL, 'curl'));
    assert.equal(find(table, CURL).command, 'curl');
  });

  it('tells two processes with one pid apart', () => {
    const table = new OwnerTable(8, () => false);
    table.learn(owner(CURL, 'curl'));
    table.learn(owner({ ...CURL, startNs: 300n }, 'wget'));
    assert.equal(find(table, CURL).command, 'curl');
    assert.equal(find(table, { ...CURL, startNs: 300n }).command, 'wget');
    assert.equal(find(table, CURL).command, 'curl');
  });

  it('takes pid 0 for nobody and asks no one', () => {
    const table = new OwnerTable(8, () => assert.fail('asked'));
    assert.equal(find(table, { startNs: 5n, pid: 0 }), NO_OWNER);
  });

  it('forgets', () => {
    const kernel = new KernelOwners();
    const table = new OwnerTable(8, kernel.lookup);
    table.learn(owner(CURL, 'curl'));
    find(table, CURL);
    table.forget(owner(CURL, 'curl'));
    assert.equal(find(table, CURL).command, '');
    assert.equal(kernel.asked.length, 1);
  });

  it('stays within its bound; who had to make room is asked for again', () => {
    const kernel = new KernelOwners();
    const table = new OwnerTable(3, kernel.lookup);
    for (let pid = 1; pid <= 50; pid += 1) {
      kernel.add({ startNs: 1n, pid }, `p${pid}`);
      table.learn(owner({ startNs: 1n, pid }, `p${pid}`));
      assert.ok(table.size <= 3);
    }
    for (let pid = 1; pid <= 50; pid += 1) assert.equal(find(table, { startNs: 1n, pid }).command, `p${pid}`);
    assert.ok(table.size <= 3);
    assert.ok(kernel.asked.length >= 47);
  });
});
