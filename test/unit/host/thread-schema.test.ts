import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { modelOf } from '../../../receiver/host/thread-schema.ts';

const NODE = { frameTable: 24, tableCounts: 16, record: undefined, inner: undefined };

describe('what is known of how threads publish', () => {
  const node = (numbers: Record<string, number>): unknown =>
    modelOf({ version: 'nodejs_v1_dev', numbers: new Map(Object.entries(numbers)) })?.node;

  test('is one variable with the record’s address, or that of Node', () => {
    for (const version of ['tlsdesc_v1_dev', 'tls_v1'])
      assert.deepEqual(modelOf({ version }), { variable: 'otel_thread_ctx_v1', bytes: 8 });
    assert.deepEqual(modelOf({ version: 'nodejs_v1_dev' }), {
      variable: 'otel_thread_ctx_nodejs_v1',
      bytes: 32,
      node: NODE,
    });
  });

  test('are the places that a Node process names, in each of its writers’ ways', () => {
    assert.deepEqual(node({ tagged_size: 8, js_map_table_offset: 32, ordered_hash_map_header_size: 24 }), {
      ...NODE,
      frameTable: 32,
      tableCounts: 24,
    });
    assert.deepEqual(node({ js_object_record_offset: 40 }), { ...NODE, record: 40 });
    // @datadog/pprof 5.16.
    assert.deepEqual(node({ wrapped_object_offset: 24, native_wrap_fields_offset: 0 }), {
      ...NODE,
      record: 24,
      inner: 0,
    });
  });

  test('is nothing of another version, of compressed pointers, or with places of no object', () => {
    for (const version of ['nodejs_v1', 'nodejs_v2_dev', 'tls_v2', ''])
      assert.equal(modelOf({ version }), undefined);
    for (const numbers of [
      { tagged_size: 4 },
      { js_map_table_offset: 0 },
      { js_map_table_offset: -24 },
      { ordered_hash_map_header_size: 0 },
      { js_object_record_offset: 4_097 },
      { wrapped_object_offset: 24, native_wrap_fields_offset: 65_535 },
    ])
      assert.equal(node(numbers), undefined, JSON.stringify(numbers));
  });
});
