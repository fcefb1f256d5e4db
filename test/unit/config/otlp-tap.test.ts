import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { memoryBound } from '../../../receiver/agent/memory-bound.ts';
import { load, messageOf } from './sources.ts';

const on = '--correlation.otlp_tap.enabled=on';
const elsewhere = '--otlp.endpoint=http://collector:4317';
const grpc = (address: string): string => `--correlation.otlp_tap.grpc=${address}`;
const http = (address: string): string => `--correlation.otlp_tap.http=${address}`;

describe('the settings of the OTLP tap', () => {
  it('are nothing until it is on, and then the ports of OTLP on loopback', () => {
    assert.equal(load({ argv: [] }).otlpTap, undefined);
    assert.deepEqual(load({ argv: [on, elsewhere] }).otlpTap, {
      grpc: { host: '127.0.0.1', port: 4317 },
      http: { host: '127.0.0.1', port: 4318 },
      queueSize: 1000,
      queueBytes: 2 ** 26,
      maxRequestBytes: 2 ** 22,
      maxConnections: 256,
      timeoutMs: 300_000,
      holdMs: 15_000,
    });
  });

  it('take addresses, localhost too, and off', () => {
    const tap = load({ argv: [on, elsewhere, grpc('[::1]:7'), http('off')] }).otlpTap;
    assert.deepEqual(tap?.grpc, { host: '::1', port: 7 });
    assert.equal(tap?.http, undefined);
    assert.deepEqual(load({ argv: [on, elsewhere, grpc('localhost:7')] }).otlpTap?.grpc, {
      host: '127.0.0.1',
      port: 7,
    });
  });

  const wrong: Readonly<Record<string, [argv: readonly string[], said: RegExp]>> = {
    'no address': [[grpc('4317')], /must be an IP address and a port from 1 to 65535/],
    'a port that is none': [[grpc('127.0.0.1:65536')], /must be an IP address and a port/],
    'a name': [[grpc('host:4317')], /must be an IP address and a port/],
    'neither transport': [[on, elsewhere, grpc('off'), http('off')], /which are both off/],
    'one port for both': [[on, elsewhere, http('127.0.0.1:4317')], /give each a port of its own/],
    'more for a request than for all': [
      [on, elsewhere, '--correlation.otlp_tap.queue_bytes=1MiB'],
      /must be at most correlation.otlp_tap.queue_bytes/,
    ],
    'an address that others reach': [[on, elsewhere, grpc('0.0.0.0:4317')], /allow it by .*remote=on/],
    'an address of the network': [[on, elsewhere, http('10.0.0.1:4318')], /allow it by .*remote=on/],
    'the default of the endpoint': [[on], /the agent itself sends its traces .*would send to itself/],
    'the endpoint of one signal': [
      [on, elsewhere, '--otlp.logs.endpoint=http://127.0.0.1:4317'],
      /the agent itself sends its logs/,
    ],
    'all addresses, with the endpoint among them': [
      [on, '--correlation.otlp_tap.remote=on', grpc('0.0.0.0:4317'), '--otlp.endpoint=http://127.0.0.1:4317'],
      /would send to itself/,
    ],
  };
  for (const [what, [argv, said]] of Object.entries(wrong))
    it(`refuse ${what}`, () => assert.match(messageOf({ argv }), said));

  it('allow what only looks like a loop', () => {
    for (const endpoint of ['http://127.0.0.2:4317', 'http://localhost:4319', 'http://[::1]:4317'])
      assert.ok(load({ argv: [on, `--otlp.endpoint=${endpoint}`] }).otlpTap);
    const argv = [on, elsewhere, '--correlation.otlp_tap.remote=on', grpc('0.0.0.0:4317')];
    assert.equal(load({ argv }).otlpTap?.grpc?.host, '0.0.0.0');
  });

  it('are part of the memory bound', () => {
    const of = (argv: readonly string[]): number =>
      memoryBound(load({ argv })).agent.reduce((sum, { bytes }) => sum + bytes, 0);
    assert.equal(Math.round(of([on, elsewhere]) - of([elsewhere])), 2 ** 26);
  });
});
