import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dumpConfig } from '../../../config/index.ts';
import { load, sourcesOf } from './sources.ts';

describe('the dump', () => {
  it('loads again to the same configuration', () => {
    const given = {
      yaml: 'subnets: [10.0.0.0/8]\nfilter.include: [{port: 80}]\nspans.tcp.connect: always\nshutdown.deadline: 1s',
      env: { OTEL_RESOURCE_ATTRIBUTES: 'team=a%2Cb', WIRESPAN_EVENTS_RATE_LIMIT: '0' },
    };
    const dumped = dumpConfig(sourcesOf(given));
    assert.deepEqual(load({ yaml: dumped }), load(given));
    assert.deepEqual(load({ yaml: dumpConfig(sourcesOf({})) }), load());
  });

  it('masks secrets, and shows the origin of an endpoint', () => {
    const env = {
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=hunter2',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://me:hunter2@c:4317',
    };
    const dumped = dumpConfig(sourcesOf({ env }));
    assert.doesNotMatch(dumped, /hunter2/);
    assert.match(dumped, /authorization: "?\[hidden\]/);
    const where = 'variable OTEL_EXPORTER_OTLP_ENDPOINT; the rest is not shown';
    assert.ok(dumped.includes(`endpoint: http://c:4317 # ${where}\n`), dumped);
  });

  it('shows an endpoint so that it can be loaded again', () => {
    for (const given of [
      'c:80',
      '[::1]:80',
      'c:443',
      'c:4317',
      'http://c:80',
      'https://c:443',
      'HTTP://C:4318',
    ]) {
      const dumped = dumpConfig(sourcesOf({ argv: [`--otlp.endpoint=${given}`] }));
      const again = dumpConfig(sourcesOf({ yaml: dumped }));
      assert.equal(again.replaceAll(/ +# .*$/gm, ''), dumped.replaceAll(/ +# .*$/gm, ''), given);
    }
    assert.match(dumpConfig(sourcesOf({ argv: ['--otlp.endpoint=c:80'] })), /endpoint: c:80 #/);
  });

  it('says where a value came from', () => {
    const dumped = dumpConfig(
      sourcesOf({ yaml: 'log:\n  level: debug\n', env: { WIRESPAN_ADDRESSES: 'none' } }),
    );
    assert.match(dumped, /level: debug # file test\.yaml, line 2\n/);
    assert.match(dumped, /addresses: none # variable WIRESPAN_ADDRESSES\n/);
  });

  it('fails as loading does', () =>
    assert.throws(() => dumpConfig(sourcesOf({ argv: ['--nope=1'] })), { name: 'ConfigError' }));
});
