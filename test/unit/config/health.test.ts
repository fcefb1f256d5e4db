import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { load, messageOf } from './sources.ts';

const listen = (address: string): string => `--health.listen=${address}`;
const remote = '--health.remote=on';

describe('the settings of the health endpoint', () => {
  it('are nothing until they are given', () => assert.equal(load().health, undefined));

  it('take addresses of loopback, and others when that is allowed', () => {
    const of = (...argv: string[]): unknown => load({ argv }).health;
    assert.deepEqual(of(listen('127.0.0.1:9464')), { host: '127.0.0.1', port: 9464 });
    assert.deepEqual(of(listen('[::1]:9464')), { host: '::1', port: 9464 });
    assert.deepEqual(of(listen('localhost:9464')), { host: '127.0.0.1', port: 9464 });
    assert.deepEqual(of(listen('0.0.0.0:9464'), remote), { host: '0.0.0.0', port: 9464 });
    assert.equal(of(listen('off'), remote), undefined);
  });

  const wrong: Readonly<Record<string, [argv: readonly string[], said: RegExp]>> = {
    'a port alone': [[listen('9464')], /must be an IP address and a port from 1 to 65535/],
    'a name': [[listen('node:9464')], /must be an IP address and a port/],
    'all addresses': [[listen('0.0.0.0:9464')], /^health\.listen .*allow it by health\.remote=on/],
    'an address of the network': [[listen('[fd00::1]:9464')], /allow it by health\.remote=on/],
    'the endpoint itself': [[listen('127.0.0.1:4317')], /is where the agent itself sends its traces/],
  };
  for (const [what, [argv, said]] of Object.entries(wrong))
    it(`refuse ${what}`, () => assert.match(messageOf({ argv }), said));
});
