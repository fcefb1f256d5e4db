import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { outsideText } from '../../../text/index.ts';

const MAX_CHARS = 240;

describe('a text from outside', () => {
  it('stays as it is when it is short and plain', () => {
    assert.equal(outsideText('connect ECONNREFUSED 127.0.0.1:9'), 'connect ECONNREFUSED 127.0.0.1:9');
    assert.equal(outsideText('Größe 漢字 🙂'), 'Größe 漢字 🙂');
  });

  it('is one line that moves no cursor', () => {
    assert.equal(outsideText('a\r\nfake line\tb'), 'a fake line b');
    assert.equal(outsideText('\x1b[2Ja\x07b\x9bc\u202Ed\u2028e\u0000f'), '?[2Ja?b?c?d e?f');
  });

  it('is cut, and says by how much', () => {
    assert.equal(outsideText('x'.repeat(1000), 10), `${'x'.repeat(10)}… (990 more characters)`);
    assert.equal(outsideText('x'.repeat(MAX_CHARS)), 'x'.repeat(MAX_CHARS));
  });

  it('is harmless and bounded, whatever it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (text) => {
        const shown = outsideText(text);
        assert.doesNotMatch(shown, /[\p{C}\p{Zl}\p{Zp}]/u);
        assert.ok(shown.length < MAX_CHARS + 40);
        if (text.length <= MAX_CHARS) assert.equal(outsideText(shown), shown);
      }),
    );
  });
});
