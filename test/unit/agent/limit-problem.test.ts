import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { limitProblem } from '../../../receiver/agent/limit-problem.ts';
import { memoryBound } from '../../../receiver/agent/memory-bound.ts';
import type { ProcessLimits } from '../../../receiver/host/limits.ts';
import { kernelOptionsOf } from '../../../receiver/settings/kernel.ts';
import { load } from '../config/sources.ts';

const GIB = 2 ** 30;
const LIMITS: ProcessLimits = { openFiles: 1024, memoryBytes: 2 * GIB };

function problemOf(argv: readonly string[], limits: Partial<ProcessLimits> = {}): string | undefined {
  return limitProblem(kernelOptionsOf(load({ argv })), { ...LIMITS, ...limits });
}

describe('what the settings ask for', () => {
  it('can be had by default, in little memory too', () =>
    assert.equal(problemOf([], { openFiles: 256, memoryBytes: 150e6 }), undefined));

  it('is refused with the setting to lower, when the kernel maps are larger than the memory', () => {
    const settings: Readonly<Record<string, string>> = {
      'bpf.max_series': '4194304',
      'bpf.max_owners': '4194304',
      'bpf.ring_buffer_size': '1GiB',
    };
    for (const [key, value] of Object.entries(settings)) {
      const problem = problemOf([`--${key}=${value}`], { memoryBytes: GIB / 4 }) ?? '';
      assert.match(problem, /^The kernel maps .* this process can have 256 MiB: lower /);
      assert.ok(problem.includes(`lower ${key} (`), problem);
      assert.ok(!problem.includes('\n'));
    }
    assert.equal(problemOf(['--bpf.max_series=4194304'], { memoryBytes: 64 * GIB }), undefined);
  });

  it('is refused when too few files may be open', () => {
    assert.match(problemOf([], { openFiles: 40 }) ?? '', /may have 40 files open.*needs 256.*LimitNOFILE=/);
    assert.equal(problemOf([], { openFiles: Infinity }), undefined);
  });

  it('takes what check-config says of it', () => {
    const settings = { 'bpf.max_owners': '4194304', 'bpf.ring_buffer_size': '1GiB' };
    for (const [setting, value] of Object.entries(settings)) {
      const config = load({ argv: [`--${setting}=${value}`] });
      const said = memoryBound(config).kernel.find((part) => part.setting === setting)?.bytes ?? 0;
      const problem = limitProblem(kernelOptionsOf(config), { ...LIMITS, memoryBytes: GIB / 4 }) ?? '';
      assert.ok(said > GIB / 4 && problem.endsWith(` takes ${Math.ceil(said / 2 ** 20)} MiB).`), problem);
    }
  });
});
