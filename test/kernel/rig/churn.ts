/** The churn workload in a room, and what the kernel side's sums say of it. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectFolder } from '../../backends/place.ts';
import type { NetNamespace } from '../../support/net-namespace.ts';
import { waitFor } from '../../support/wait.ts';
import type { Watcher } from '../../support/watcher.ts';

/** Payload that each connection carries each way. */
const CHURN_BYTES = 128;
const PAIRS = 2;

/** Sums over the rows that have an owner, by role. */
export type ChurnSums = Record<'client' | 'server', Record<string, number>>;

/** What the workload did: the server closes first, and nothing fails. */
export function churnTruth(connections: number): ChurnSums {
  const bytes = connections * CHURN_BYTES;
  const each = { opened: connections, others: 0, sent: bytes, received: bytes, durations: connections };
  return {
    client: { ...each, local_fin: 0, peer_fin: connections },
    server: { ...each, local_fin: connections, peer_fin: 0 },
  };
}

interface ChurnOptions {
  /** Its servers ask so often for a connection, instead of waiting. */
  readonly askUs?: number;
  /** Called over and over while it runs. */
  readonly meanwhile?: () => void;
  /** Called once it has ended, before the last pass. */
  readonly afterwards?: () => void;
}

export async function playChurn(
  watcher: Watcher,
  room: NetNamespace,
  connections: number,
  { askUs = 0, meanwhile, afterwards }: ChurnOptions = {},
): Promise<ChurnSums> {
  await promisify(execFile)('make', ['-s', '-C', join(projectFolder, 'test', 'workloads')]);
  const program = join(projectFolder, 'build', 'test', 'workloads', 'churn');
  const ways = ['200', '0', '0', String(askUs)];
  const command = ['netns', 'exec', room.name, program, String(connections), String(PAIRS), ...ways];
  // A port may come again, a process does not.
  const before = new Set(watcher.series().map(({ pid }) => pid));
  let isRunning = true;
  const running = promisify(execFile)('ip', command).finally(() => (isRunning = false));
  running.catch(() => undefined); // it is awaited below
  while (isRunning && meanwhile) {
    meanwhile();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { ports } = JSON.parse((await running).stdout) as { ports: number[] };
  afterwards?.();
  const sums = (): ChurnSums => {
    watcher.pass();
    const rows = watcher
      .series()
      .filter((row) => ports.includes(row.port) && !row.isOverflow && !before.has(row.pid) && row.pid !== 0);
    return { client: sumsOf(rows, 1), server: sumsOf(rows, 2) };
  };
  // The processes are gone before the kernel has handed over their last acknowledgements.
  await waitFor('every end', () => isOver(sums(), connections)).catch(() => undefined);
  return sums();
}

function isOver({ client, server }: ChurnSums, connections: number): boolean {
  return client['durations'] === connections && server['durations'] === connections;
}

/** The sum of so many values, by their index. */
export function count(length: number, at: (index: number) => number): number {
  return Array.from({ length }, (_, i) => at(i)).reduce((sum, each) => sum + each, 0);
}

type Row = ReturnType<Watcher['series']>[number];

function sumsOf(all: readonly Row[], role: number): Record<string, number> {
  const rows = all.filter((row) => row.role === role);
  const total = (...field: Parameters<Row['sum']>): number =>
    rows.reduce((sum, row) => sum + row.sum(...field), 0);
  return {
    opened: total('opened'),
    local_fin: total('closed', 0),
    peer_fin: total('closed', 1),
    others: count(6, (reason) => total('closed', 2 + reason)),
    sent: total('bytes_sent'),
    received: total('bytes_received'),
    durations: count(20, (bucket) => total('duration', bucket)),
  };
}
