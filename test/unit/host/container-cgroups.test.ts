/** Containers by the names of their control groups. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { findContainers } from '../../../receiver/host/container-cgroups.ts';

const root = mkdtempSync(join(tmpdir(), 'wirespan-cgroups-'));
after(() => rmSync(root, { recursive: true }));

const ID = (digit: string): string => `abcd${digit.repeat(60)}`;
for (const path of [
  `system.slice/docker-${ID('1')}.scope/inner`,
  `docker/${ID('2')}`,
  `docker/${ID('2')}/docker/${ID('3')}`,
  'user.slice/abcd',
])
  mkdirSync(join(root, path), { recursive: true });

describe('containers of control groups', () => {
  const hierarchies = [{ root, number: 0 }];

  it('have an id that begins so; what is in a container is its own', () => {
    const { paths, isCut } = findContainers(hierarchies, 'abcd');
    assert.deepEqual(
      new Map([...paths].sort()),
      new Map([
        [ID('1'), `/system.slice/docker-${ID('1')}.scope`],
        [ID('2'), `/docker/${ID('2')}`],
      ]),
    );
    assert.equal(isCut, false);
    assert.deepEqual([...findContainers(hierarchies, 'abcd2').paths.keys()], [ID('2')]);
    assert.equal(findContainers(hierarchies, 'b').paths.size, 0);
    assert.equal(findContainers([{ root: `${root}/none`, number: 0 }], 'a').paths.size, 0);
  });

  it('are looked for in so many folders at most, and that is said', () => {
    assert.equal(findContainers(hierarchies, 'b', 2).isCut, true);
    assert.equal(findContainers(hierarchies, 'b', 7).isCut, false);
  });
});
