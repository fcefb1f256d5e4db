import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { generate, staleFiles } from '../../../semconv/generate.ts';
import * as semconv from '../../../semconv/index.ts';

const PROJECT = join(import.meta.dirname, '../../..');

test('generated files on disk are what the registry says', () => {
  assert.deepEqual(staleFiles(), []);
});

test('generating twice gives the same bytes', () => {
  assert.deepEqual([...generate()], [...generate()]);
});

test('an edited or missing generated file is called stale', () => {
  const copy = mkdtempSync(join(tmpdir(), 'wirespan-generated-'));
  for (const path of generate().keys()) cpSync(join(PROJECT, path), join(copy, path), { recursive: true });
  assert.deepEqual(staleFiles(copy), []);
  writeFileSync(join(copy, 'semconv/generated/spans.ts'), '// edited\n');
  rmSync(join(copy, 'bpf/generated/bounds.h'));
  assert.deepEqual([...staleFiles(copy)].sort(), ['bpf/generated/bounds.h', 'semconv/generated/spans.ts']);
  rmSync(copy, { recursive: true });
});

test('index.ts exports every generated constant', () => {
  const exported = new Set(Object.keys(semconv));
  for (const path of [...generate().keys()].filter((name) => name.startsWith('semconv/generated/'))) {
    const names = [...readFileSync(join(PROJECT, path), 'utf8').matchAll(/^export const (\w+)/gm)];
    assert.ok(names.length > 0, path);
    for (const [, name] of names) assert.ok(exported.has(name ?? ''), `${path}: ${name}`);
  }
});

test('names lose the own root and keep the upstream one', () => {
  assert.equal(semconv.ATTR_TCP_HANDSHAKE_ROLE, 'wirespan.tcp.handshake.role');
  assert.equal(semconv.ATTR_NETWORK_TYPE, 'network.type');
  assert.equal(semconv.TCP_CLOSE_REASON_VALUE_LOCAL_FIN, 'local_fin');
  assert.equal(semconv.ERROR_TYPE_VALUE_OTHER, '_OTHER');
  assert.equal(semconv.METRIC_TCP_STATE_DURATION.switch, 'metrics.tcp.state.duration');
  assert.equal(
    semconv.METRIC_SYSTEM_NETWORK_CONNECTION_COUNT.switch,
    'metrics.system.network.connection.count',
  );
  assert.equal(semconv.EVENT_TCP_CONNECTION_CLOSE.switch, 'events.tcp.connection.close');
  assert.equal(semconv.SPAN_TCP_CONNECT.switch, 'spans.tcp.connect');
});

test('a refined attribute has the level of the signal, not of the group', () => {
  const level = (key: string) =>
    semconv.METRIC_TCP_CONNECTION_OPENED.attributes.find((use) => use.key === key)?.level;
  assert.equal(level('network.type'), 'recommended');
  assert.equal(level('network.peer.address'), 'opt_in');
  assert.equal(level('error.type'), 'conditionally_required');
});

test('the kernel gets the boundaries of the metrics, in its own unit', () => {
  const header = readFileSync(join(PROJECT, 'bpf/generated/bounds.h'), 'utf8');
  const table = (tail: string): number[] => {
    const body = new RegExp(`bounds_${tail}\\[[A-Z_]+\\] = \\{([^}]*)\\}`).exec(header)?.[1] ?? '';
    return body
      .split(',')
      .filter((item) => item.trim() !== '')
      .map((item) => parseInt(item, 10));
  };
  const scaled = (factor: number, boundaries: readonly number[] = []): number[] =>
    boundaries.map((bound) => Math.round(bound * factor));
  const { METRIC_TCP_RTT, METRIC_TCP_ACCEPT_QUEUE_UTILIZATION, METRIC_TCP_CONNECTION_TRANSFER_SIZE } =
    semconv;
  assert.deepEqual(table('tcp_rtt'), scaled(1e9, METRIC_TCP_RTT.boundaries));
  assert.deepEqual(
    table('tcp_accept_queue_utilization'),
    scaled(1e6, METRIC_TCP_ACCEPT_QUEUE_UTILIZATION.boundaries),
  );
  assert.deepEqual(
    table('tcp_connection_transfer_size'),
    scaled(1, METRIC_TCP_CONNECTION_TRANSFER_SIZE.boundaries),
  );
  for (const [, tail, length] of header.matchAll(/#define BOUNDS_(\w+)_LEN (\d+)/g)) {
    assert.equal(table((tail ?? '').toLowerCase()).length, Number(length), tail);
  }
});

test('the packaged version is in the constants', () => {
  const { version } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')) as {
    version: string;
  };
  assert.equal(semconv.VERSION, version);
});
