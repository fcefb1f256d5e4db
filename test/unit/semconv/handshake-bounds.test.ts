import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { METRIC_TCP_HANDSHAKE_DURATION } from '../../../semconv/index.ts';

const catalogue = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'catalogue.md'), 'utf8');

/** Seconds after the first SYN at which it is sent again, and at which the kernel gives up. */
const SCHEDULES = {
  'Linux 6.5 and newer': [1, 2, 3, 4, 5, 7, 11, 19, 35, 67, 131],
  'older ones, and SYN-ACKs': [1, 3, 7, 15, 31, 63, 127],
};
/** Timers are late, never early: up to this share was seen. */
const LATENESS = 0.05;

for (const [kernel, schedule] of Object.entries(SCHEDULES))
  test(`a bucket of the handshake's duration reads as a number of lost SYNs: ${kernel}`, () => {
    const { name, boundaries = [] } = METRIC_TCP_HANDSHAKE_DURATION;
    const described = catalogue.split('\n').find((line) => line.startsWith(`| \`${name}\` | histogram`));
    const bucketOf = (seconds: number): number => boundaries.filter((bound) => bound < seconds).length;
    for (const [losses, seconds] of schedule.entries()) {
      const [early, late] = [bucketOf(seconds + 0.000_1), bucketOf(seconds * (1 + LATENESS))];
      assert.equal(early, late, `${losses + 1} lost SYNs are in one bucket, however late`);
      const following = schedule[losses + 1];
      if (following !== undefined) assert.notEqual(bucketOf(following + 0.000_1), late);
      assert.match(described ?? '', new RegExp(`\\b${seconds}\\b`), `${seconds} s is said of it`);
    }
  });
