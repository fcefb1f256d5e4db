import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NetworkEvent } from '../../../../receiver/model/event.ts';
import type { LatencyRecord } from '../../../../receiver/model/record.ts';
import type { EventMode } from '../../../../semconv/index.ts';
import { checkRegistered, harness, second, stateChange, unixOffset } from '../../../support/correlation.ts';

const OUTLIER = 'wirespan.tcp.latency.outlier';

const { state: _state, previous: _previous, ...socket } = stateChange();
const outlier: LatencyRecord = { ...socket, kind: 'latency', what: 'accept_queue', valueNs: 1_250_000_000n };

function eventOf(mode?: EventMode): NetworkEvent | undefined {
  const { correlator, events } = harness({ events: mode === undefined ? {} : { [OUTLIER]: mode } });
  correlator.handle(outlier);
  return events[0];
}

describe('events about latencies', () => {
  it('say what was slow and by how much, on the workload', () => {
    const event = eventOf('on');
    assert.ok(event);
    checkRegistered(event);
    assert.deepEqual(
      [event.name, event.severityNumber, event.scope, event.resource.id, event.timeUnixNs],
      [OUTLIER, 13, 'wirespan/tcp', 'workload:42', 100n * second + unixOffset],
    );
    assert.equal(event.attributes['wirespan.latency.kind'], 'accept_queue');
    assert.equal(event.attributes['wirespan.latency.value'], 1.25);
    assert.equal(event.context, undefined);
  });

  it('are off by default, and never on a trace', () => {
    for (const mode of [undefined, 'off', 'correlated'] as const) assert.equal(eventOf(mode), undefined);
  });
});
