import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nearestHint } from '../../../config/nearest.ts';

function nearest(...given: Parameters<typeof nearestHint>): string | undefined {
  return /^; the nearest is (.*)$/.exec(nearestHint(...given))?.[1];
}

describe('nearest', () => {
  it('prefers a key that ends with what was given', () =>
    assert.equal(nearest('level', ['lever', 'log.level']), 'log.level'));
  it('takes the fewest edits', () => assert.equal(nearest('evnts', ['events', 'spans']), 'events'));
  it('finds nothing among nothing', () => assert.equal(nearest('a', []), undefined));
  it('is quick on absurd input', () => assert.equal(nearest('x'.repeat(1e6), ['x']), undefined));
  it('finds nothing that is not near', () => {
    assert.equal(nearest('doctor', ['run', 'check-config']), undefined);
    assert.equal(nearest('verbose', ['trace', 'error']), undefined);
  });
  it('finds the end of a name with a mistake in it', () =>
    assert.equal(nearest('ring_bufer_size', ['bpf.ring_buffer_size']), 'bpf.ring_buffer_size'));
  it('takes whole names when asked to', () =>
    assert.equal(nearest('OTEL_TIMEOUT', ['OTEL_EXPORTER_OTLP_TIMEOUT'], { whole: true }), undefined));
});
