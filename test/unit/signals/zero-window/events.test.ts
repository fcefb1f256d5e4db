import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ZeroWindowRecord } from '../../../../receiver/model/record.ts';
import type { EventMode, SpanMode } from '../../../../semconv/index.ts';
import {
  checkRegistered,
  harness,
  request,
  second,
  stateChange,
  unixOffset,
} from '../../../support/correlation.ts';

const TYPE = 'wirespan.tcp.zero_window';

const { state: _state, previous: _previous, ...socket } = stateChange();
const closed: ZeroWindowRecord = {
  ...socket,
  kind: 'zero_window',
  startNs: 98n * second,
  end: 'opened',
  bytesWaiting: 70_000,
  announcements: 3,
  seq: 1_000,
};

function told(record: ZeroWindowRecord, event: EventMode, span: SpanMode): ReturnType<typeof harness> {
  const subject = harness({ events: { [TYPE]: event }, spans: { [TYPE]: span } });
  subject.correlator.handle(record);
  subject.correlator.flush();
  return subject;
}

describe('windows that were closed', () => {
  it('are an event with how long, how often said, and what waited', () => {
    const { events, spans } = told(closed, 'on', 'correlated');
    const [event, ...others] = events;
    assert.ok(event !== undefined && others.length === 0);
    checkRegistered(event);
    assert.deepEqual([event.name, event.severityNumber], [TYPE, 13]);
    const { attributes } = event;
    assert.deepEqual(
      ['wirespan.latency.value', `${TYPE}.end`, `${TYPE}.bytes_waiting`, `${TYPE}.announcements`].map(
        (name) => attributes[name],
      ),
      [2, 'opened', 70_000, 3],
    );
    assert.deepEqual(spans, [], 'on no trace');
  });

  it('are on the trace of the request whose bytes waited, by its first byte that did', () => {
    const context = request();
    const { events, spans } = told({ ...closed, context }, 'correlated', 'correlated');
    assert.deepEqual(
      events.map(({ context: of }) => of?.spanId),
      [context.spanId],
    );
    const [span, ...others] = spans;
    assert.ok(span !== undefined && others.length === 0);
    assert.deepEqual(
      [span.name, span.traceId, span.parentSpanId, span.startUnixNs, span.endUnixNs],
      [
        'tcp zero_window',
        context.traceId,
        context.spanId,
        98n * second + unixOffset,
        closed.timeNs + unixOffset,
      ],
    );
    // A byte before the request is not its own.
    assert.deepEqual(told({ ...closed, seq: 999, context }, 'correlated', 'correlated').spans, []);
  });

  it('begin with the request, when the window was closed before it', () => {
    const context = request(1, { requestStartNs: 99n * second });
    const [span] = told({ ...closed, context }, 'off', 'correlated').spans;
    assert.equal(span?.startUnixNs, 99n * second + unixOffset);
  });

  it('of a request that is not sampled have no span', () => {
    const context = request(1, { traceFlags: 0 });
    assert.deepEqual(told({ ...closed, context }, 'on', 'correlated').spans, []);
  });
});
