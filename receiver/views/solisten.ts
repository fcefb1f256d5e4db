import { EVENT_TCP_LISTENER_START } from '../../semconv/index.ts';
import { commandOf, line, localJson, TimeColumns, titles } from './columns.ts';
import { SHOW_CONTAINER } from './container-column.ts';
import { netnsOption } from './netns-options.ts';
import { TIMES } from './options.ts';
import type { View } from './view.ts';

/** Sockets that begin to listen. */
export const solisten: View = {
  name: 'solisten',
  summary: 'TCP sockets that start to listen, with the backlog that the kernel took',
  example: ['wirespan solisten --show-netns', 'in containers too'],
  options: [
    netnsOption('n'),
    { long: 'show-netns', help: 'a column with the network namespace' },
    ...TIMES,
    SHOW_CONTAINER,
  ],
  needs: () => ({ events: [EVENT_TCP_LISTENER_START], probes: ['inet_sock_set_state'] }),
  start: (args, tools) => {
    const times = new TimeColumns(args, tools);
    const hasNetns = args.has('show-netns');
    const columns = [
      ...times.columns,
      ['PID', 7],
      ['COMM', 16],
      ...(hasNetns ? [['NETNS', 12] as const] : []),
      ['PROTO', 6],
      ['BACKLOG', 8],
      ['PORT', 5],
      ['ADDR', 39],
    ] as const;
    return {
      header: titles(columns),
      row: (record) => {
        if (record.kind !== 'listener_start') return undefined;
        const { owner, endpoints, backlog, netns } = record;
        const texts = [
          ...times.texts(record.timeNs),
          ...[String(owner.pid), commandOf(owner)],
          ...(hasNetns ? [String(netns)] : []),
          ...[`TCPv${String(endpoints.family)}`, String(backlog)],
          ...[String(endpoints.localPort), endpoints.localAddress],
        ];
        return {
          lines: [line(columns, texts)],
          json: { ...localJson(record, tools), backlog },
        };
      },
    };
  },
};
