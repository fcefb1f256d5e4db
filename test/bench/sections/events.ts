import { setTimeout as sleep } from 'node:timers/promises';
import { withAgent } from '../agent.ts';
import { readRecordCounts } from '../../support/kernel-stats.ts';
import { churn, churnFor } from '../load.ts';
import { format, heading, note } from '../report.ts';
import { repeatStretch, rowsOfLoad } from './agent-cpu.ts';
import type { Scale, Section } from './section.ts';

/** Longer than the slowest drain of an idle ring. */
const QUIET_MS = 600;

/** A record for every close at full churn: what is lost, and what it costs the agent. */
export const events: Section = {
  name: 'events',
  what: 'records lost and the cost of events.tcp.connection.close=on at full churn',
  async run(scale) {
    await measureEvents('events.tcp.connection.close=on', {}, scale);
    await measureEvents(
      'events.tcp.connection.close=on, events.rate_limit=0: every event is exported',
      { WIRESPAN_EVENTS_RATE_LIMIT: '0' },
      scale,
    );
  },
};

async function measureEvents(
  title: string,
  settings: Readonly<Record<string, string>>,
  { isQuick }: Scale,
): Promise<void> {
  heading(title);
  const connections = await churnFor(isQuick ? 0.5 : 1.5);
  const count = isQuick ? 2 : 5;
  await withAgent({ WIRESPAN_EVENTS_TCP_CONNECTION_CLOSE: 'on', ...settings }, async (agent) => {
    const load = await repeatStretch(count, agent.pid, () => churn(connections));
    await sleep(QUIET_MS);
    const { sent, ringFull, otherLoss } = readRecordCounts(agent.pid);
    rowsOfLoad(load, connections);
    note(
      `${format(count * connections, 0)} connections, two ends each: ${format(sent, 0)} records; ` +
        `lost: ${format(ringFull, 0)} for a full ring, ${format(otherLoss, 0)} for anything else   aim 0`,
    );
    const { logs } = (await agent.stop()) as unknown as { logs?: LogCounters };
    if (logs === undefined) return;
    const dropped = Object.entries(logs.dropped).filter(([, count]) => count > 0);
    const reasons = dropped.map(([reason, count]) => `${format(count, 0)} ${reason}`).join(', ') || 'none';
    note(`log records exported: ${format(logs.exported, 0)}, lost on the way out: ${reasons}`);
  });
}

interface LogCounters {
  readonly exported: number;
  readonly dropped: Readonly<Record<string, number>>;
}
