import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nameOnly, readDeclared } from '../../../receiver/enrich/declared.ts';

/** In bytes of UTF-8; docs/architecture.md has them. */
const MAX_KEY_BYTES = 128;
const MAX_VALUE_BYTES = 1_024;
const MAX_DECLARED_BYTES = 3_000;

function attributesOf(list: string, serviceName?: string): Record<string, string> {
  const environment = { resourceAttributes: list, ...(serviceName === undefined ? {} : { serviceName }) };
  return Object.fromEntries(readDeclared(environment).attributes);
}

function bytesOf(attributes: ReadonlyMap<string, string>): number {
  return [...attributes].reduce((sum, pair) => sum + Buffer.byteLength(pair.join('')), 0);
}

test('decodes values; keys too where the SDK does', () => {
  const list = 'a%2Cb=c%3Dd%20e, k = v ,';
  assert.deepEqual(attributesOf(list), { 'a%2Cb': 'c=d e', k: 'v' });
  const { attributes } = readDeclared({ resourceAttributes: list }, 'nodejs');
  assert.deepEqual(Object.fromEntries(attributes), { 'a,b': 'c=d e', k: 'v' });
});

test('the service name has the last word, an empty one has none', () => {
  assert.deepEqual(attributesOf('service.name=list', 'own'), { 'service.name': 'own' });
  assert.deepEqual(attributesOf('service.name=list', ''), { 'service.name': 'list' });
});

test('an error discards the member, of Node the whole list, and never the service name', () => {
  for (const list of ['a=1,b', 'a=1,=2', 'a=1,b,=,']) {
    const environment = { resourceAttributes: list, serviceName: 'own' };
    for (const [language, kept] of [
      ['other', { 'service.name': 'own', a: '1' }],
      ['nodejs', { 'service.name': 'own' }],
    ] as const) {
      const { attributes, isInvalid } = readDeclared(environment, language);
      assert.deepEqual(Object.fromEntries(attributes), kept, `${language} ${list}`);
      assert.equal(isInvalid, true);
    }
  }
});

test('a percent sign that encodes nothing is one, of Node an error', () => {
  for (const [list, value] of [
    ['a=100%', '100%'],
    ['a=%zz', '%zz'],
    ['a=%2', '%2'],
    ['a=%C3%A9%', 'é%'],
    ['a=%ff', '\u{fffd}'],
  ] as const) {
    assert.deepEqual(attributesOf(list), { a: value });
    assert.equal(readDeclared({ resourceAttributes: list }, 'nodejs').isInvalid, true);
  }
});

test('at most 64 attributes are taken', () => {
  const list = (length: number): string => Array.from({ length }, (_, index) => `k${index}=v`).join(',');
  for (const [length, taken, isCut] of [
    [64, 64, false],
    [65, 64, true],
  ] as const) {
    const declared = readDeclared({ resourceAttributes: list(length) });
    assert.deepEqual([declared.attributes.size, declared.isCut, declared.isInvalid], [taken, isCut, false]);
  }
});

test('a value is cut to its length, between characters, and a key that is too long is left out', () => {
  const key = 'k'.repeat(MAX_KEY_BYTES);
  const list = `a=${'x'.repeat(MAX_VALUE_BYTES)},b=x${'ä'.repeat(MAX_VALUE_BYTES)},${key}=1,${key}k=2,c=3`;
  const { attributes, isCut } = readDeclared({ resourceAttributes: list });
  assert.deepEqual(Object.fromEntries(attributes), {
    a: 'x'.repeat(MAX_VALUE_BYTES),
    b: `x${'ä'.repeat(MAX_VALUE_BYTES / 2 - 1)}`,
    [key]: '1',
    c: '3',
  });
  assert.equal(isCut, true);
});

test('all together have a length too, and the service name comes first', () => {
  const list = Array.from({ length: 60 }, (_, index) => `key-${index}=${'v'.repeat(93)}`).join(',');
  const { attributes, isCut } = readDeclared({ resourceAttributes: list, serviceName: 'shop' });
  const bytes = bytesOf(attributes);
  assert.ok(bytes <= MAX_DECLARED_BYTES && bytes > MAX_DECLARED_BYTES - 99, `${bytes}`);
  assert.deepEqual([...attributes.keys()].slice(0, 2), ['service.name', 'key-0']);
  assert.equal(isCut, true);
});

test('what wirespan observes nobody declares', () => {
  const observed = [
    'host.id',
    'host.name',
    'host.arch',
    'host.ip',
    'os.type',
    'os.name',
    'container.id',
    'container.name',
    'k8s.pod.uid',
    'process.pid',
    'process.executable.name',
    'process.command',
    'process.creation.time',
    'process.user.id',
    'telemetry.sdk.name',
    'telemetry.distro.version',
    'wirespan.peer.cidr',
  ];
  const own = [
    'service.name',
    'service.namespace',
    'service.instance.id',
    'service.version',
    'deployment.environment.name',
    'k8s.pod.name',
    'k8s.namespace.name',
    'cloud.region',
    'team',
    'hostess',
  ];
  const list = [...observed, ...own].map((key) => `${encodeURIComponent(key)}=forged`).join(',');
  const { isCut, isInvalid } = readDeclared({ resourceAttributes: list });
  assert.deepEqual(Object.keys(attributesOf(list)), own);
  assert.deepEqual([isCut, isInvalid], [false, false]);
  // However it is written.
  const { attributes } = readDeclared({ resourceAttributes: 'host%2Eid=x, %70rocess.pid = 1 ' }, 'nodejs');
  assert.deepEqual([...attributes], []);
});

test('the name alone is short', () => {
  assert.deepEqual(Object.fromEntries(nameOnly(new Map([['a', 'b']]))), {});
  const short = nameOnly(
    new Map([
      ['service.name', 'n'.repeat(1_000)],
      ['team', 'x'],
    ]),
  );
  assert.deepEqual(Object.fromEntries(short), { 'service.name': 'n'.repeat(MAX_KEY_BYTES) });
});
