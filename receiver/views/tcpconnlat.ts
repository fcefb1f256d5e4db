import { EVENT_TCP_CONNECTION_FAIL, EVENT_TCP_CONNECTION_OPEN } from '../../semconv/index.ts';
import { commandOf, line, millisecondsBetween, socketJson, TimeColumns, titles } from './columns.ts';
import { SHOW_CONTAINER } from './container-column.ts';
import { MINIMUM, portsOption } from './options.ts';
import { isAttempt } from './tcpconnect.ts';
import type { View } from './view.ts';

/** How long clients waited for a connection. */
export const tcpconnlat: View = {
  name: 'tcpconnlat',
  summary: 'how long the other end took to take or to refuse a TCP connection',
  example: ['wirespan tcpconnlat -m 10', 'those that took 10 ms or more'],
  options: [
    MINIMUM,
    portsOption('port', 'P', 'these ports of the other end only'),
    { long: 'timestamp', short: 't', help: 'a column with the seconds since the first line' },
    { long: 'time', short: 'T', help: 'a column with the time of day' },
    { long: 'lport', short: 'L', help: 'a column with the local port' },
    SHOW_CONTAINER,
  ],
  words: [MINIMUM.long],
  needs: () => ({
    events: [EVENT_TCP_CONNECTION_OPEN, EVENT_TCP_CONNECTION_FAIL],
    probes: ['inet_sock_set_state'],
  }),
  ports: (args) => ({ remote: args.ports('port') }),
  start: (args, tools) => {
    const least = args.number(MINIMUM.long) ?? 0;
    const times = new TimeColumns(args, tools);
    const hasLocalPort = args.has('lport');
    const columns = [
      ...times.columns,
      ['PID', 7],
      ['COMM', 12],
      ['IP', 2],
      ['SADDR', 16],
      ...(hasLocalPort ? [['LPORT', 6] as const] : []),
      ['DADDR', 16],
      ['DPORT', 5],
      ['LAT(ms)', 0],
    ] as const;
    return {
      header: titles(columns),
      row: (record) => {
        // Who got no answer waited for nobody.
        if (!isAttempt(record) || (record.kind === 'fail' && !ANSWERS.has(record.error ?? '')))
          return undefined;
        if (record.handshakeStartNs === 0n) return undefined;
        const endNs = record.kind === 'open' ? record.establishedNs : record.timeNs;
        const ms = millisecondsBetween(record.handshakeStartNs, endNs);
        if (ms < least) return undefined;
        const { owner, endpoints } = record;
        const { family, localAddress, localPort, peerAddress, peerPort } = endpoints;
        const texts = [
          ...times.texts(record.timeNs),
          ...[String(owner.pid), commandOf(owner), String(family), localAddress],
          ...(hasLocalPort ? [String(localPort)] : []),
          ...[peerAddress, String(peerPort), ms.toFixed(2)],
        ];
        return {
          lines: [line(columns, texts)],
          json: { ...socketJson(record, tools), latency_ms: ms, error: record.error ?? null },
        };
      },
    };
  },
};

/** The peer answered with a RST. */
const ANSWERS: ReadonlySet<string> = new Set(['connection_refused', 'connection_reset']);
