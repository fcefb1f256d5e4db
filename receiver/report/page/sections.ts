import { h } from './element.ts';
import type { Report } from '../report.ts';
import { distributionPlot } from './distribution-plot.ts';
import { secondsText, section } from './elements.ts';
import { leftOut, type Section } from './head.ts';
import { softirqPlot } from './softirq-plot.ts';
import { connectionTable, listenerTable, requestTable } from './tables.ts';
import { timePlot } from './time-plot.ts';

/** The parts of the page in their order: what hurts requests first, what may be behind it after that. */
export function sections(report: Report): readonly Section[] {
  return [
    part('hurt-requests', 'Requests that the network hurt', requests(report)),
    part('worst-connections', 'Worst connections', connections(report)),
    part('sent-again', 'Segments sent again', retransmits(report)),
    part('dropped', 'Packets dropped here', drops(report)),
    part('failed', 'Failed connects and resets', failures(report)),
    part('times', 'Round trips and handshakes', distributions(report)),
    part('queues', 'Accept queues', queues(report)),
    part('softirq-time', 'Softirq time', [softirqPlot(report.softirqs)]),
    leftOut(report.facts),
  ];
}

type Contents = Parameters<typeof section>[2][];

function part(id: string, title: string, contents: Contents): Section {
  return { id, title, content: section(id, title, ...contents) };
}

function requests({ requests: ranking }: Report): Contents {
  return [
    h(
      'p',
      {},
      'By the trace that their application gave them. What they took is the longest of their loss episodes, exchanges and handshakes that have a span.',
    ),
    requestTable(ranking),
  ];
}

function connections({ connections: { byLosses, byRtt, byLifetime } }: Report): Contents {
  return [
    h(
      'p',
      {},
      'What was sent again is of the whole life of a connection, and of this time where it is still open. Dropped here are packets that this kernel dropped.',
    ),
    connectionTable('by-losses', 'By losses', byLosses, 'connections lost something'),
    connectionTable('by-rtt', 'By round-trip time', byRtt, 'connections closed that had one'),
    connectionTable('by-lifetime', 'By lifetime', byLifetime, 'connections closed'),
  ];
}

function retransmits({ retransmits: { byType, byPeer }, slices }: Report): Contents {
  const shared = { unit: 'segments', slices, none: 'No segment was sent again.' };
  return [
    timePlot({ ...shared, id: 'retransmits-by-type', title: 'Sent again', by: 'type', breakdown: byType }),
    timePlot({
      ...{ ...shared, id: 'retransmits-by-peer', title: 'Sent again to each peer' },
      ...{ by: 'peer', breakdown: byPeer },
    }),
  ];
}

function drops({ drops: { byReason, byPeer }, slices }: Report): Contents {
  const shared = { unit: 'packets', slices, none: 'This kernel dropped no packet of TCP.' };
  return [
    timePlot({ ...shared, id: 'drops-by-reason', title: 'Dropped', by: 'reason', breakdown: byReason }),
    timePlot({
      ...{ ...shared, id: 'drops-by-peer', title: 'Dropped of each peer' },
      ...{ by: 'peer', breakdown: byPeer },
    }),
  ];
}

function failures({ failures: { byError, byPeer: to }, resets, slices }: Report): Contents {
  const failed = { unit: 'connects', slices, none: 'No connect failed.' };
  const reset = { unit: 'resets', slices, none: 'There were no resets.' };
  return [
    timePlot({ ...failed, id: 'failures-by-error', title: 'Failed', by: 'error', breakdown: byError }),
    timePlot({
      ...{ ...failed, id: 'failures-by-peer', title: 'Failed to reach' },
      ...{ by: 'peer and error', breakdown: to },
    }),
    timePlot({
      ...{ ...reset, id: 'resets-by-direction', title: 'Resets' },
      ...{ by: 'direction', breakdown: resets.byDirection },
    }),
    timePlot({
      ...{ ...reset, id: 'resets-by-peer', title: 'Resets with each peer' },
      ...{ by: 'peer', breakdown: resets.byPeer },
    }),
  ];
}

function distributions({ rtt, handshakes }: Report): Contents {
  return [
    distributionPlot({
      ...{ id: 'rtt', title: 'Round-trip time', unit: 'samples', measure: 'length', valueText: secondsText },
      ...{ distributions: rtt, none: 'No round-trip time was measured.' },
    }),
    h(
      'p',
      { class: 'quiet' },
      'Smoothed round-trip times, one of each connection at each reading and at its close.',
    ),
    distributionPlot({
      ...{
        id: 'handshakes',
        title: 'Handshakes',
        unit: 'attempts',
        measure: 'length',
        valueText: secondsText,
      },
      ...{ distributions: handshakes, none: 'There was no handshake.' },
    }),
  ];
}

function queues({ acceptQueues: { fill, listeners } }: Report): Contents {
  return [
    listenerTable(listeners),
    distributionPlot({
      ...{ id: 'fill', title: 'How full accept queues were', unit: 'connections that came' },
      measure: 'share of the limit',
      ...{ distributions: fill, none: 'No connection came.' },
      valueText: (share) => `${String(Number((100 * share).toPrecision(3)))} %`,
    }),
  ];
}
