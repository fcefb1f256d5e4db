/** In which container the process of a row is: a column, and a field of objects. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ContainerColumn } from '../../../receiver/views/container-column.ts';
import { optionsOf } from '../../../receiver/views/help.ts';
import { parseViewArguments } from '../../../receiver/views/options.ts';
import { tcplife } from '../../../receiver/views/tcplife.ts';
import type { ViewRow } from '../../../receiver/views/view.ts';
import { owner } from '../../support/correlation.ts';
import { TOOLS } from './show.ts';

const ID = '0123456789abcdef'.repeat(4);
const ROW: ViewRow = { lines: ['42', '  below'], json: { pid: 42 } };

describe('the container of a row', () => {
  const asked: number[] = [];
  const create = (...argv: readonly string[]): ContainerColumn =>
    new ContainerColumn(parseViewArguments('tcplife', optionsOf(tcplife), argv), {
      ...TOOLS,
      cgroupOf: ({ pid }) => {
        asked.push(pid);
        return pid === owner.pid ? { path: `/docker/${ID}`, containerId: ID } : undefined;
      },
    });
  const other = { ...owner, pid: 43 };

  it('is a column before all others, of the first line alone', () => {
    const column = create('--show-container');
    assert.equal(column.header('PID'), 'CONTAINER    PID');
    assert.deepEqual(column.row(ROW, owner).lines, ['0123456789ab 42', '  below']);
    assert.deepEqual(column.row(ROW, other).lines, ['-            42', '  below']);
  });

  it('is a value before a comma', () => {
    const column = create('--show-container', '--csv');
    assert.equal(column.header('PID,COMM'), 'CONTAINER,PID,COMM');
    assert.deepEqual(column.row({ lines: ['42,a'] }, owner), { lines: ['0123456789ab,42,a'] });
  });

  it('is whole in objects, and null where none is known', () => {
    const column = create('--json');
    assert.deepEqual(column.row(ROW, owner), { ...ROW, json: { pid: 42, container_id: ID } });
    assert.deepEqual(column.row(ROW, other).json, { pid: 42, container_id: null });
  });

  it('is noted when its process is met, and not looked for where nobody asks', () => {
    asked.length = 0;
    const column = create();
    column.note(owner);
    assert.deepEqual([column.header('PID'), column.row(ROW, owner)], ['PID', ROW]);
    assert.deepEqual(asked, []);
    create('--json').note(owner);
    assert.deepEqual(asked, [owner.pid]);
  });
});
