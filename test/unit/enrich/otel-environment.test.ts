import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findOtelVariables, readOtelAttributes } from '../../../receiver/enrich/otel-environment.ts';

function attributesOf(list: string, serviceName?: string): Record<string, string> {
  const environment = { resourceAttributes: list, ...(serviceName === undefined ? {} : { serviceName }) };
  return Object.fromEntries(readOtelAttributes(environment).attributes);
}

test('finds the two variables and nothing else', () => {
  const environ = Buffer.from(
    'XOTEL_SERVICE_NAME=decoy\0A=OTEL_SERVICE_NAME=decoy\0OTEL_SERVICE_NAME=shop\0OTEL_SERVICE_NAME=second\0' +
      'OTEL_RESOURCE_ATTRIBUTES=a=b\0SECRET=x\0',
  );
  assert.deepEqual(findOtelVariables(environ), { serviceName: 'shop', resourceAttributes: 'a=b' });
});

test('finds a variable at the very start and one cut off at the end', () => {
  assert.deepEqual(findOtelVariables(Buffer.from('OTEL_SERVICE_NAME=x')), { serviceName: 'x' });
  assert.deepEqual(findOtelVariables(Buffer.from('')), {});
});

test('decodes keys and values', () => {
  assert.deepEqual(attributesOf('a%2Cb=c%3Dd%20e, k = v ,'), { 'a,b': 'c=d e', k: 'v' });
});

test('the service name has the last word, an empty one has none', () => {
  assert.deepEqual(attributesOf('service.name=list', 'own'), { 'service.name': 'own' });
  assert.deepEqual(attributesOf('service.name=list', ''), { 'service.name': 'list' });
});

test('one error discards the whole list but not the service name', () => {
  for (const list of ['a=1,b', 'a=1,=2', 'a=1,b=%zz', `a=${'x'.repeat(5_000)}`]) {
    const { attributes, isInvalid } = readOtelAttributes({ resourceAttributes: list, serviceName: 'own' });
    assert.deepEqual(Object.fromEntries(attributes), { 'service.name': 'own' }, list);
    assert.equal(isInvalid, true);
  }
});

test('more than 64 attributes are an error', () => {
  const list = (length: number): string => Array.from({ length }, (_, index) => `k${index}=v`).join(',');
  assert.equal(readOtelAttributes({ resourceAttributes: list(64) }).attributes.size, 64);
  assert.equal(readOtelAttributes({ resourceAttributes: list(65) }).attributes.size, 0);
});
