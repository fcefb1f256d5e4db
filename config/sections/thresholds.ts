import { threshold } from '../format-threshold.ts';
import { setting, type SettingTree } from '../setting.ts';

const OUTLIER = 'a `wirespan.tcp.latency.outlier` event';
const SLOW = 'a `wirespan.softirq.slow` event';
const CLOSED = 'a `wirespan.tcp.zero_window` event, and a span';
const SLOW_PACKET = 'a `wirespan.packet.slow` event';
const LATE = 'a `wirespan.tcp.wakeup.slow` event';

/** Above which latencies are told: by events that are off unless asked for, and by spans of exchanges. */
export const thresholdSettings: SettingTree = {
  thresholds: {
    handshake: setting(threshold, 500, `Handshake time above which there is ${OUTLIER}. 0: never.`, {
      defaultText: '`500ms`',
    }),
    accept_queue: setting(
      threshold,
      100,
      `Time in the accept queue above which there is ${OUTLIER}. 0: never.`,
      { defaultText: '`100ms`' },
    ),
    receive_queue: setting(
      threshold,
      0,
      `Time from data reaching TCP to its reading above which there is ${OUTLIER}; programs then run for each segment. 0: never.`,
    ),
    rtt: setting(
      threshold,
      500,
      `Smoothed round-trip time above which there is ${OUTLIER}, once each time it rises above. 0: never.`,
      { defaultText: '`500ms`' },
    ),
    exchange: setting(
      threshold,
      500,
      'Time from the first byte of a request to the first byte of its response above which there is a `tcp exchange` span. 0: never because of that.',
      { defaultText: '`500ms`' },
    ),
    softirq_run: setting(threshold, 10, `Run of a softirq handler above which there is ${SLOW}. 0: never.`, {
      defaultText: '`10ms`',
    }),
    softirq_wait: setting(
      threshold,
      10,
      `Time from raising a softirq to its handler above which there is ${SLOW}; one more program then runs for each softirq. 0: never.`,
      { defaultText: '`10ms`' },
    ),
    wakeup: setting(
      threshold,
      10,
      `Time from data being ready on a socket until a thread that slept for it runs, above which there is ${LATE}; programs then run for each wake-up. 0: never.`,
      { defaultText: '`10ms`' },
    ),
    zero_window: setting(
      threshold,
      10,
      `Time in which a peer's receive window was closed and data waited, above which there is ${CLOSED}, where those are on. 0: never.`,
      { defaultText: '`10ms`' },
    ),
    packet_stage: setting(
      threshold,
      10,
      `Time in one stage of a packet's way above which there is ${SLOW_PACKET}. 0: never.`,
      { defaultText: '`10ms`' },
    ),
  },
};
