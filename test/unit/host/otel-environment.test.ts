import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findOtelVariables } from '../../../receiver/host/otel-environment.ts';

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

test('of a long variable the whole members at its beginning are taken', () => {
  const member = `${'k'.repeat(99)}=${'v'.repeat(899)}`;
  const list = Array<string>(130).fill(member).join(',');
  const found = findOtelVariables(Buffer.from(`OTEL_RESOURCE_ATTRIBUTES=${list}\0OTEL_SERVICE_NAME=shop\0`));
  assert.deepEqual(found, {
    serviceName: 'shop',
    resourceAttributes: Array<string>(16).fill(member).join(','),
    isCut: true,
  });
  const one = findOtelVariables(Buffer.from(`OTEL_RESOURCE_ATTRIBUTES=k=${'v'.repeat(20_000)}`));
  assert.deepEqual(one, { resourceAttributes: '', isCut: true });
});
