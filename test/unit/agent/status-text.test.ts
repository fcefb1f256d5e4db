import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderStatus } from '../../../receiver/agent/status-text.ts';
import type { SignalStatus, Status } from '../../../receiver/agent/status.ts';

const NOW = Date.parse('2026-11-30T12:00:00Z');
const quiet = { isFailing: false, exported: 0, inFlight: 0, dropped: {} };
const metrics: SignalStatus = {
  ...quiet,
  signal: 'metrics',
  endpoint: 'http://collector:4317',
  lastSuccess: '2026-11-30T11:59:57Z',
  exported: 12_345,
  inFlight: 6,
  dropped: { rejected: 2_000 },
};

function statusOf(given: Partial<Status> = {}): Status {
  return {
    version: '1.2.3',
    pid: 77,
    since: '2026-11-27T09:30:00.123Z',
    ready: { isSo: true, why: 'it is' },
    healthy: { isSo: true, why: 'last collection 2 s ago' },
    families: [{ subject: 'drop', state: 'ok', found: 'kfree_skb' }],
    export: [metrics],
    lost: [],
    memory: { rssBytes: 100e6, agentBoundBytes: 250e6, kernelBoundBytes: 60e6 },
    ...given,
  };
}

describe('the text of a status', () => {
  it('says how the agent is', () =>
    assert.equal(
      renderStatus(statusOf(), NOW),
      `The agent
  ok       wirespan      1.2.3, pid 77, up 3 d 2 h, since 2026-11-27T09:30:00Z
  ok       ready         it is
  ok       healthy       last collection 2 s ago
  ok       memory        100 MB resident of 250 that the settings can come to, and 60 in the kernel

Signals
  ok       drop          kfree_skb

Where it goes
  ok       metrics       http://collector:4317: last taken 3 s ago; 12,345 exported, 6 under way,
                         2,000 lost (rejected)

Lost since the start, before it could be sent
  ok       records       none
`,
    ));

  it('says what is wrong', () => {
    const lastFailure = { at: '2026-11-30T10:57:00Z', cause: 'nobody there' };
    const failing: SignalStatus = {
      ...quiet,
      signal: 'traces',
      endpoint: 'http://x',
      isFailing: true,
      lastFailure,
    };
    const text = renderStatus(
      statusOf({
        ready: { isSo: false, why: 'stopping' },
        export: [failing, { ...quiet, signal: 'logs' }],
        lost: [
          { reason: 'ring_buffer_full', probe: 'kfree_skb', count: 4_000 },
          { reason: 'rate_limited', count: 1 },
        ],
        memory: { rssBytes: 240e6, agentBoundBytes: 250e6, kernelBoundBytes: 0 },
      }),
      NOW,
    );
    assert.match(text, /failed {3}ready +stopping\n/);
    assert.match(text, /limited {2}memory +240 MB .*\n +→ wirespan check-config/);
    assert.match(
      text,
      /failed {3}traces +http:\/\/x: nothing taken yet; 0 exported\n +→ 1 h 3 min ago: nobody there/,
    );
    assert.match(text, /off {6}logs +not sent\n/);
    assert.match(
      text,
      /limited {2}records +4,000: ring_buffer_full, kfree_skb\n {2}limited {2}records +1: rate_limited\n/,
    );
  });

  it('lets nothing move the cursor', () => {
    const text = renderStatus(statusOf({ ready: { isSo: true, why: '\x1b[2J\u202eall\nwell' } }), NOW);
    assert.match(text, /ready +\?\[2J\?all well\n/);
  });
});
