import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { SCHEMA } from '../../../config/index.ts';
import { VIEWS } from '../../../receiver/views/index.ts';
import { renderHelp } from '../../../receiver/cli/help.ts';
import { readVersion } from '../../../receiver/cli/version.ts';

describe('the help', () => {
  const lines = renderHelp(VIEWS).split('\n');

  it('fits a terminal', () => {
    assert.ok(lines.length <= 40, String(lines.length));
    for (const line of lines) assert.ok(line.length <= 100, line);
  });

  it('shows real flags with the defaults of the schema', () => {
    const shown = lines
      .map((line) => /^ {2}--([a-z0-9_.]+) {2,}(\S.*)$/.exec(line))
      .filter((match) => match !== null);
    assert.ok(shown.length >= 10, String(shown.length));
    for (const [, key = '', value] of shown) {
      const setting = SCHEMA.get(key);
      assert.ok(setting !== undefined, key);
      const expected =
        setting.defaultText?.replaceAll('`', '') ?? (setting.default as unknown[] | string | number);
      assert.equal(value, Array.isArray(expected) ? 'none' : String(expected), key);
    }
  });
});

describe('the version', () => {
  it('is that of the package', () => {
    const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
    assert.equal(readVersion(), (JSON.parse(text) as { version: string }).version);
  });
});
