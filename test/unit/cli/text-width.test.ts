/** Columns of a terminal, by what the library says of every text that is not of letters alone. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import stringWidth from 'string-width';
import { textWidth } from '../../../receiver/cli/text-width.ts';

it('a text takes as many columns as a terminal gives it', () => {
  for (const text of ['', ' ~', 'tcp-script', 'Ωµ', '日本', '👩‍👩‍👧', 'e\u0301', '\x1b[1mx\x1b[0m', '\t'])
    assert.equal(textWidth(text), stringWidth(text), JSON.stringify(text));
  assert.deepEqual(['ab', '日本', 'e\u0301'].map(textWidth), [2, 4, 1]);
});
