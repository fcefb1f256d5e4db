/**
 * A process that is its own name server: it answers on UDP port 53 of the loopback of its network namespace, asks by the
 * resolver of c-ares that Node has, and opens a connection to what it is told. It prints what it did as one line of JSON
 * once it reads a line, and ends.
 */
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { createServer, connect, type AddressInfo } from 'node:net';
import dnsPacket, { type Answer, type Question } from 'dns-packet';

const [A, B, V6] = ['127.0.0.7', '127.0.0.11', '::1'];
/** By what was asked for: of each name what a server answers. */
const ZONE: Readonly<Record<string, readonly Answer[]>> = {
  'orders.example A': [
    { type: 'CNAME', name: 'orders.example', data: 'lb.example', ttl: 5 },
    { type: 'A', name: 'lb.example', data: A, ttl: 5 },
  ],
  'six.example AAAA': [{ type: 'AAAA', name: 'six.example', data: V6, ttl: 5 }],
  'other.example A': [{ type: 'A', name: 'other.example', data: A, ttl: 5 }],
};

const server = createSocket('udp4');
server.on('message', (message, { port, address }) => {
  const { id, questions = [] } = dnsPacket.decode(message);
  const [question] = questions as readonly Question[];
  const answers = [...(ZONE[`${question?.name ?? ''} ${question?.type ?? ''}`] ?? [])];
  const answer = {
    type: 'response',
    id: id ?? 0,
    flags: dnsPacket.RECURSION_DESIRED,
    questions,
    answers,
  } as const;
  server.send(dnsPacket.encode(answer), port, address);
});
server.bind(53, '127.0.0.53');
await once(server, 'listening');
const listener = createServer((socket) => socket.destroy()).listen(0, '::');
await once(listener, 'listening');
const { port } = listener.address() as AddressInfo;
const resolver = new Resolver();
resolver.setServers(['127.0.0.53']);
process.stdout.write('ready\n');
await once(process.stdin, 'data');

const did: { address: string; port: number; query: string | null }[] = [];
async function connectTo(address: string, query: string | null): Promise<void> {
  const socket = connect(port, address);
  await once(socket, 'close');
  did.push({ address, port, query });
}
for (const name of ['orders.example', 'other.example', 'orders.example'])
  await connectTo((await resolver.resolve4(name))[0] ?? '', name);
await connectTo((await resolver.resolve6('six.example'))[0] ?? '', 'six.example');
await connectTo(B, null);
process.stdout.write(`${JSON.stringify(did)}\n`);
process.exit(0);
