import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { languageOf } from '../../../receiver/enrich/resource-list.ts';
import { ourName, readNames, sdkName, SDKS, TABLE_FILE, tableOf } from '../../sdks/service-names.ts';

const { cases, versions } = readNames();

/** In Go's programs nothing is told from `other`; spaces around a name is all that its SDK does otherwise. */
const GO_ALONE = ['a name with spaces around'];

for (const sdk of SDKS) {
  test(`a service is called as the SDK calls it: ${sdk}`, () => {
    const language = sdk === 'go' ? 'other' : sdk;
    const differing = cases.filter((one) => {
      // Without an SDK, or with an empty name, nobody else names it.
      const isNamed = one.seen[sdk] !== undefined && one.seen[sdk] !== '';
      return isNamed && ourName(one, language) !== sdkName(one, sdk);
    });
    assert.deepEqual(
      differing.map(({ about }) => about),
      sdk === 'go' ? GO_ALONE : [],
    );
  });
}

test('of another language it is called as most SDKs call it', () => {
  for (const one of cases) {
    const names = SDKS.map((sdk) => sdkName(one, sdk));
    const votes = names.filter((name) => name === ourName(one, 'other')).length;
    const most = Math.max(...names.map((name) => names.filter((other) => other === name).length));
    assert.equal(votes, most, one.about);
  }
});

test('no name is empty, in no language', () => {
  for (const one of cases)
    for (const language of ['nodejs', 'python', 'java', 'other'] as const)
      assert.notEqual(ourName(one, language), '', one.about);
});

test('the cases are real ones: SDKs differ in a third of them', () => {
  const differing = cases.filter((one) => new Set(SDKS.map((sdk) => sdkName(one, sdk))).size > 1);
  assert.ok(
    cases.length >= 50 && differing.length >= cases.length / 3,
    `${differing.length}/${cases.length}`,
  );
});

test('docs/service-names.md has what was measured', () => {
  const plain = (text: string): string => text.replaceAll(/-{3,}/g, '---').replaceAll(/ +/g, ' ');
  assert.equal(plain(readFileSync(TABLE_FILE, 'utf8')), plain(tableOf({ cases, versions })));
});

test('the language is told by the name of the executable', () => {
  const languages = {
    nodejs: ['node', 'nodejs', 'node24'],
    python: ['python', 'python3', 'python3.11', 'pypy3'],
    java: ['java'],
    other: ['', 'nodejs-exporter', 'pythonista', 'javac', 'shop', 'mynode', 'go'],
  } as const;
  for (const [language, names] of Object.entries(languages))
    for (const name of names) assert.equal(languageOf(name), language, name);
});
