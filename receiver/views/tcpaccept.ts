import { EVENT_TCP_CONNECTION_ACCEPT } from '../../semconv/index.ts';
import { commandOf, line, millisecondsBetween, socketJson, TimeColumns, titles } from './columns.ts';
import { SHOW_CONTAINER } from './container-column.ts';
import { portsOption, TIMES } from './options.ts';
import type { View } from './view.ts';

const COLUMNS = [
  ['PID', 7],
  ['COMM', 12],
  ['IP', 2],
  ['RADDR', 16],
  ['RPORT', 5],
  ['LADDR', 16],
  ['LPORT', 5],
] as const;

/** Accepted connections. */
export const tcpaccept: View = {
  name: 'tcpaccept',
  summary: 'TCP connections that processes accept, by the process that took them out of the queue',
  example: ['wirespan tcpaccept -P 80,443', 'who is asked at these ports'],
  options: [portsOption('port', 'P', 'these local ports only'), ...TIMES, SHOW_CONTAINER],
  needs: () => ({ events: [EVENT_TCP_CONNECTION_ACCEPT], probes: ['inet_csk_accept'], costly: true }),
  ports: (args) => ({ local: args.ports('port') }),
  start: (args, tools) => {
    const times = new TimeColumns(args, tools);
    const columns = [...times.columns, ...COLUMNS];
    return {
      header: titles(columns),
      row: (record) => {
        if (record.kind !== 'accept') return undefined;
        const { owner, endpoints, establishedNs, acceptedNs } = record;
        const { family, localAddress, localPort, peerAddress, peerPort } = endpoints;
        const texts = [
          ...times.texts(record.timeNs),
          ...[String(owner.pid), commandOf(owner), String(family)],
          ...[peerAddress, String(peerPort), localAddress, String(localPort)],
        ];
        const isKnown = establishedNs !== 0n && acceptedNs !== 0n;
        const wait = isKnown ? millisecondsBetween(establishedNs, acceptedNs) : null;
        return {
          lines: [line(columns, texts)],
          json: { ...socketJson(record, tools), accept_queue_wait_ms: wait },
        };
      },
    };
  },
};
