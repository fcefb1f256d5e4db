import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { findOtherAgents } from '../../../receiver/host/other-agents.ts';

const proc = mkdtempSync(join(tmpdir(), 'wirespan-proc-'));

function addProcess(pid: number, command: readonly string[], fds: readonly string[]): void {
  const folder = join(proc, String(pid));
  mkdirSync(join(folder, 'fd'), { recursive: true });
  writeFileSync(join(folder, 'cmdline'), command.map((word) => `${word}\0`).join(''));
  for (const [fd, target] of fds.entries()) symlinkSync(target, join(folder, 'fd', String(fd)));
}

describe('other agents on the host', () => {
  after(() => rmSync(proc, { recursive: true }));

  it('are processes with the command line of the agent that hold BPF maps', () => {
    const agent = ['node', '--use-system-ca', '/opt/wirespan/receiver/main.ts', 'run', '--output=none'];
    const bpf = ['/dev/null', 'anon_inode:bpf-map'];
    writeFileSync(join(proc, 'version'), '');
    mkdirSync(join(proc, 'self'));
    addProcess(10, agent, bpf);
    addProcess(11, ['node', './receiver/main.js', '--output', 'json', 'run'], ['anon_inode:[bpf_link]']);
    addProcess(20, agent, bpf);
    addProcess(30, agent, ['/dev/null', 'anon_inode:[eventpoll]']);
    addProcess(31, ['node', '/opt/wirespan/receiver/main.ts', 'check-config'], bpf);
    addProcess(32, ['grep', '-r', 'receiver/main.ts', 'run'], []);
    addProcess(33, ['bpftrace', '-e', 'run'], bpf);
    addProcess(34, [], bpf);
    assert.deepEqual(
      findOtherAgents(proc, 20).sort((a, b) => a - b),
      [10, 11],
    );
  });
});
