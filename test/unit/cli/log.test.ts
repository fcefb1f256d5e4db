import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLog } from '../../../receiver/cli/log.ts';

function linesOf(isTerminal: boolean, level = 'info'): string[] {
  const lines: string[] = [];
  const log = createLog({ level, isTerminal, stream: { write: (line) => void lines.push(line) } });
  log.debug('hidden');
  log.info({ programs: 3 }, 'ready');
  log.warn(new Error('why'), 'lost');
  return lines;
}

describe('the log', () => {
  it('is one JSON object a line when nobody looks', () => {
    const [ready, lost, ...more] = linesOf(false).map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(more, []);
    assert.deepEqual(
      [ready?.['msg'], ready?.['level'], ready?.['programs'], ready?.['pid']],
      ['ready', 'info', 3, process.pid],
    );
    assert.match(String(ready?.['time']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.equal(lost?.['level'], 'warn');
  });

  it('is for people on a terminal, written at once', () => {
    const [ready, lost] = linesOf(true);
    assert.match(ready ?? '', /INFO.*ready.*programs.*3/s);
    assert.match(lost ?? '', /WARN.*lost/s);
    assert.throws(() => JSON.parse(ready ?? '{}') as unknown);
  });

  it('has the level of the configuration', () => {
    assert.equal(linesOf(false, 'debug').length, 3);
    assert.equal(linesOf(false, 'warn').length, 1);
    assert.equal(linesOf(false, 'silent').length, 0);
  });
});
