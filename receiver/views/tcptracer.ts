import {
  EVENT_TCP_CONNECTION_ACCEPT,
  EVENT_TCP_CONNECTION_CLOSE,
  EVENT_TCP_CONNECTION_OPEN,
} from '../../semconv/index.ts';
import { commandOf, line, socketJson, TimeColumns, titles } from './columns.ts';
import { SHOW_CONTAINER } from './container-column.ts';
import { netnsOption } from './netns-options.ts';
import { TIMES } from './options.ts';
import { USER_OPTIONS, Users } from './users.ts';
import type { View } from './view.ts';

const TYPES = {
  open: ['C', 'connect'],
  accept: ['A', 'accept'],
  close: ['X', 'close'],
} as const;

/** Connections that begin and end. */
export const tcptracer: View = {
  name: 'tcptracer',
  summary: 'TCP connections that are opened (C), accepted (A) and closed (X)',
  example: ['wirespan tcptracer --cgroup /system.slice/nginx.service', 'one service'],
  options: [
    ...TIMES,
    netnsOption('N'),
    ...USER_OPTIONS,
    { long: 'verbose', short: 'v', help: 'nanoseconds, words for the types, and the network namespace' },
    SHOW_CONTAINER,
  ],
  needs: () => ({
    events: [EVENT_TCP_CONNECTION_OPEN, EVENT_TCP_CONNECTION_ACCEPT, EVENT_TCP_CONNECTION_CLOSE],
    probes: ['inet_sock_set_state', 'inet_csk_accept'],
    costly: true,
  }),
  start: (args, tools) => {
    const isVerbose = args.has('verbose');
    const times = new TimeColumns(args, tools);
    const users = new Users(args);
    const columns = [
      ...times.columns,
      ...(isVerbose
        ? ([
            ['TIME(ns)', 16],
            ['TYPE', 8],
          ] as const)
        : ([['T', 1]] as const)),
      ...users.columns,
      ['PID', 7],
      ['COMM', 16],
      ['IP', 2],
      ['SADDR', 16],
      ['DADDR', 16],
      ['SPORT', 6],
      ['DPORT', 6],
      ...(isVerbose ? ([['NETNS', 10]] as const) : []),
    ] as const;
    return {
      header: titles(columns),
      row: (record) => {
        if (record.kind !== 'open' && record.kind !== 'accept' && record.kind !== 'close') return undefined;
        if (!users.isShown(record)) return undefined;
        const [letter, word] = TYPES[record.kind];
        const { owner, endpoints } = record;
        const texts = [
          ...times.texts(record.timeNs),
          ...(isVerbose ? [String(record.timeNs), word] : [letter]),
          ...[...users.texts(record), String(owner.pid)],
          ...[commandOf(owner), String(endpoints.family)],
          ...[endpoints.localAddress, endpoints.peerAddress],
          ...[String(endpoints.localPort), String(endpoints.peerPort)],
          ...(isVerbose ? [String(record.netns)] : []),
        ];
        return {
          lines: [line(columns, texts)],
          json: { ...socketJson(record, tools), uid: record.uid ?? null, type: word },
        };
      },
      notes: () => users.notes(),
    };
  },
};
