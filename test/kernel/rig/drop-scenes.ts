/** Ways to have a packet dropped, each for one reason. */
import { hex } from '../../support/script.ts';
import { VETH_ADDRESS, type DropStage } from '../../support/drop-stage.ts';

const SYN = 2;
const RST = 4;
/** Nobody listens there. */
export const CLOSED_PORT = 9;

export interface Packets {
  readonly count: number;
  readonly from?: string;
  readonly to?: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

export interface Scene {
  /** `skb_drop_reason`, as the kernel's BTF has it. */
  readonly reason: string;
  /** What frees the packet, on the kernels known. */
  readonly frees: RegExp;
  readonly owner: 'the process' | 'nobody';
  readonly state?: string;
  readonly interface?: string;
  /** The kernel's statistic that counts the same. */
  readonly statistic?: string;
  /** Drops the packets, and says which. */
  play(stage: DropStage, count: number): Promise<Packets> | Packets;
}

/** Packets of an established connection that are wrong in one way, sent into its server's end. */
async function inConnection(
  stage: DropStage,
  count: number,
  wrong: (seq: number, ack: number) => object,
): Promise<Packets> {
  const pair = await stage.connect();
  const { clientPort, seq, ack } = pair;
  const ends = { sport: clientPort, dport: stage.port };
  stage.send({ ...ends, seq, ack, count, ...wrong(seq, ack) });
  await stage.close(pair);
  return { count, sourcePort: clientPort, destinationPort: stage.port };
}

const wrapped = (seq: number): number => seq >>> 0;
const server = { owner: 'the process', state: 'established', frees: /^tcp_/ } as const;
const nobody = { owner: 'nobody', frees: /^tcp_v4_rcv/ } as const;

function fromOutside(
  stage: DropStage,
  count: number,
  from: string,
  more: Readonly<Record<string, string>> = {},
): Packets {
  const packet = { from, to: VETH_ADDRESS, sport: 7, dport: CLOSED_PORT, flags: RST };
  stage.send({ dev: 'vb', mac: stage.mac, ...packet, count, ...more });
  return { count, from, to: VETH_ADDRESS, sourcePort: 7, destinationPort: CLOSED_PORT };
}

/** By what is wrong. */
export const scenes: Readonly<Record<string, Scene>> = {
  'no socket': {
    ...nobody,
    reason: 'no_socket',
    interface: 'lo',
    play: (stage, count) => {
      stage.send({ sport: 1234, dport: CLOSED_PORT, flags: RST, count });
      return { count, sourcePort: 1234, destinationPort: CLOSED_PORT };
    },
  },
  'a wrong checksum': {
    ...nobody,
    reason: 'tcp_csum',
    interface: 'lo',
    statistic: 'TcpInCsumErrors',
    play: (stage, count) => inConnection(stage, count, () => ({ bad: 'tcp', payload: 5 })),
  },
  'a header that is too short': {
    ...nobody,
    reason: 'pkt_too_small',
    interface: 'lo',
    play: (stage, count) => inConnection(stage, count, () => ({ words: 4 })),
  },
  'a rule of the packet filter': {
    owner: 'nobody',
    reason: 'netfilter_drop',
    frees: /^nf/,
    interface: 'lo',
    play: (stage, count) => {
      stage.room.filter(`tcp dport ${CLOSED_PORT} drop`);
      stage.send({ sport: 1234, dport: CLOSED_PORT, flags: SYN, count });
      stage.room.filter();
      return { count, sourcePort: 1234, destinationPort: CLOSED_PORT };
    },
  },
  'no flags': {
    ...server,
    reason: 'tcp_flags',
    play: (stage, count) => inConnection(stage, count, () => ({ flags: 0 })),
  },
  'a SYN on a connection': {
    ...server,
    reason: 'tcp_invalid_syn',
    statistic: 'TcpExtTCPSYNChallenge',
    play: (stage, count) => inConnection(stage, count, () => ({ flags: SYN })),
  },
  'a sequence before the window': {
    ...server,
    reason: 'tcp_old_sequence',
    play: (stage, count) => inConnection(stage, count, (seq) => ({ seq: wrapped(seq - 100), payload: 10 })),
  },
  'a sequence behind the window': {
    ...server,
    reason: 'tcp_invalid_sequence',
    play: (stage, count) =>
      inConnection(stage, count, (seq) => ({ seq: wrapped(seq + 10_000_000), payload: 10 })),
  },
  'an acknowledgement of what was not sent': {
    ...server,
    reason: 'tcp_ack_unsent_data',
    play: (stage, count) =>
      inConnection(stage, count, (_, ack) => ({ ack: wrapped(ack + 1000), payload: 10 })),
  },
  'an acknowledgement long ago': {
    ...server,
    reason: 'tcp_too_old_ack',
    play: (stage, count) =>
      inConnection(stage, count, (_, ack) => ({ ack: wrapped(ack - 10_000_000), payload: 10 })),
  },
  'data that is there already': {
    ...server,
    reason: 'tcp_old_data',
    play: async (stage, count) => {
      const pair = await stage.connect();
      await stage.script.run('write', pair.client, hex('0123456789'));
      await stage.script.run('read', pair.server, 10);
      stage.send({
        sport: pair.clientPort,
        dport: stage.port,
        seq: pair.seq,
        ack: pair.ack,
        payload: 10,
        count,
      });
      await stage.close(pair);
      return { count, sourcePort: pair.clientPort, destinationPort: stage.port };
    },
  },
  "the socket's filter": {
    ...server,
    reason: 'socket_filter',
    interface: 'lo',
    play: async (stage, count) => {
      const pair = await stage.connect();
      await stage.script.run('deaf', pair.server);
      stage.send({ sport: pair.clientPort, dport: stage.port, seq: pair.seq, ack: pair.ack, count });
      await stage.script.run('reset', pair.server);
      await stage.script.run('close', pair.client);
      return { count, sourcePort: pair.clientPort, destinationPort: stage.port };
    },
  },
  'the reverse path': {
    owner: 'nobody',
    reason: 'ip_rpfilter',
    frees: /^ip_/,
    interface: 'va',
    statistic: 'TcpExtIPReversePathFilter',
    play: (stage, count) => fromOutside(stage, count, '192.0.2.1'),
  },
  "a wrong checksum of IP's": {
    owner: 'nobody',
    reason: 'ip_csum',
    frees: /^ip_/,
    interface: 'va',
    statistic: 'IpExtInCsumErrors',
    play: (stage, count) => fromOutside(stage, count, '10.9.9.2', { bad: 'ip' }),
  },
};
