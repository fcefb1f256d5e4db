import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dumpConfig, SCHEMA } from '../../../config/index.ts';
import { PROFILES } from '../../../config/profiles.ts';
import { load, messageOf, sourcesOf } from './sources.ts';

describe('a profile', () => {
  it('names settings that there are, with values that they take', () => {
    for (const [name, settings] of Object.entries(PROFILES))
      for (const [key, value] of Object.entries(settings))
        assert.equal(SCHEMA.get(key)?.format.read(String(value)), value, `${name}: ${key}`);
  });

  it('is below all that is given, wherever that and the profile are', () => {
    const yaml = 'bpf.max_series: 3000\nprofile: small\n';
    const { bpf, seriesLimit } = load({ yaml, env: { WIRESPAN_SERIES_LIMIT: '7000' } });
    assert.deepEqual([bpf.maxSeries, seriesLimit, bpf.maxOwners], [3_000, 7_000, 1_024]);
    assert.equal(load({ env: { WIRESPAN_PROFILE: 'small' } }).queues.logs.queueSize, 1_024);
    assert.equal(load({ yaml, argv: ['--profile=default'] }).bpf.maxOwners, load().bpf.maxOwners);
  });

  it('is named as the place where its values come from', () => {
    const dumped = dumpConfig(sourcesOf({ argv: ['--profile=small', '--bpf.max_owners=5'] }));
    assert.match(dumped, /max_series: 2048 # profile small\n/);
    assert.match(dumped, /max_owners: 5 # flag --bpf\.max_owners\n/);
  });

  it('that there is not is a sentence', () =>
    assert.match(messageOf({ argv: ['--profile=tiny'] }), /profile.*small/));
});
