/** From records to connections, processes and containers. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ConnectionRecord } from '../../../../receiver/model/record.ts';
import { TopTable } from '../../../../receiver/views/top/table.ts';
import { connection, owner, request, retransmit, second, stateChange } from '../../../support/correlation.ts';

const other = { ...owner, pid: 43, startNs: 2n, cgroupId: 9n };

function createTable(maxRemembered = 100): TopTable {
  return new TopTable({
    maxRemembered,
    containerIdOf: ({ cgroupId }) => cgroupId.toString(),
    toUnixNs: (ns) => ns,
  });
}

const live = (sent: number, received: number, more: Partial<ConnectionRecord> = {}): ConnectionRecord =>
  connection({
    ...{ kind: 'live', state: 'established', segmentsRetransmitted: 0 },
    ...{ bytesSent: BigInt(sent), bytesReceived: BigInt(received), ...more },
  });

describe('the table of top', () => {
  it('has of an older connection all bytes, and rates of what came since', () => {
    const table = createTable();
    table.take(live(1_000, 50, { preexisting: true }));
    table.end(1, 0n);
    const [row] = table.connections();
    assert.deepEqual([row?.traffic.sent, row?.traffic.sentRate], [1_000, 0]);
    table.take(live(1_600, 80, { preexisting: true }));
    table.end(2, 0n);
    assert.deepEqual([row?.traffic.sent, row?.traffic.received], [1_600, 80]);
    assert.deepEqual([row?.traffic.sentRate, row?.traffic.receivedRate], [300, 15]);
    const [process] = table.processes.rows();
    assert.deepEqual([process?.traffic.sent, process?.traffic.sentRate, process?.open], [600, 300, 1]);
    table.end(1, 0n);
    assert.deepEqual([row?.traffic.sentRate, process?.traffic.sentRate], [0, 0]);
  });

  it('has of a new connection every byte, with those of its close', () => {
    const table = createTable();
    table.take(stateChange({ previous: 'closed', state: 'syn_sent', timeNs: 1n * second }));
    table.take(stateChange({ previous: 'syn_sent', state: 'established', timeNs: 2n * second }));
    table.take(live(100, 0));
    table.end(1, 2n * second);
    table.take(stateChange({ previous: 'established', state: 'closed', timeNs: 3n * second }));
    table.take(
      connection({ bytesSent: 130n, bytesReceived: 7n, timeNs: 3n * second, segmentsRetransmitted: 0 }),
    );
    table.end(1, 3n * second);
    const [row, ...none] = table.connections();
    assert.deepEqual(none, []);
    assert.deepEqual([row?.traffic.sent, row?.traffic.sentRate, row?.traffic.received], [130, 30, 7]);
    assert.deepEqual(row?.steps, [
      { state: 'syn_sent', sinceNs: 1n * second },
      { state: 'established', sinceNs: 2n * second },
      { state: 'closed', sinceNs: 3n * second },
    ]);
    const [process] = table.processes.rows();
    assert.deepEqual([process?.open, process?.closed, process?.traffic.sent], [0, 1, 130]);
    assert.equal(table.totals().open, 0);
  });

  it('shows what ended for five seconds, and longer while somebody looks at it', () => {
    const table = createTable();
    for (const cookie of [1n, 2n]) table.take(connection({ cookie, timeNs: 10n * second }));
    table.end(1, 15n * second);
    assert.equal(table.connections().length, 2);
    table.pin(table.connections().find(({ cookie }) => cookie === 2n));
    table.end(1, 16n * second);
    assert.deepEqual(
      table.connections().map(({ cookie }) => cookie),
      [2n],
    );
    table.pin(undefined);
    assert.deepEqual(table.connections(), []);
  });

  it('takes a socket that connects again for a new connection', () => {
    const table = createTable();
    table.take(connection({ bytesSent: 500n }));
    table.take(stateChange({ previous: 'closed', state: 'syn_sent' }));
    table.take(live(3, 0));
    table.end(1, 100n * second);
    assert.deepEqual(
      table.connections().map(({ traffic }) => [traffic.sent, traffic.sentRate]),
      [[3, 3]],
    );
  });

  it('counts segments sent again once, those that no program saw too', () => {
    const table = createTable();
    table.take(live(10, 0, { preexisting: true, segmentsRetransmitted: 4 }));
    table.take(retransmit({ segments: 2 }));
    table.end(1, 0n);
    const [row] = table.connections();
    const [process] = table.processes.rows();
    assert.deepEqual([row?.traffic.retransmits, row?.traffic.lastRetransmits], [6, 2]);
    assert.equal(process?.traffic.retransmits, 2);
    // The kernel has one more.
    table.take(live(20, 0, { preexisting: true, segmentsRetransmitted: 7 }));
    table.end(1, 0n);
    assert.deepEqual([row?.traffic.retransmits, row?.traffic.lastRetransmits], [7, 1]);
    assert.equal(process?.traffic.retransmits, 3);
    assert.equal(table.totals().retransmits, 1);
  });

  it('makes no connection of a handshake whose SYN-ACK is sent again', () => {
    const table = createTable();
    table.take(retransmit({ type: 'syn_ack', state: 'syn_received', segments: 1 }));
    table.end(1, 0n);
    assert.deepEqual(table.connections(), []);
    assert.equal(table.processes.rows()[0]?.traffic.retransmits, 1);
  });

  it('knows whose it is now, what a request was called, and who failed', () => {
    const table = createTable();
    table.take(stateChange({ previous: 'syn_received', state: 'established', role: 'server' }));
    table.take(live(10, 10, { owner: other }));
    table.take(retransmit({ owner: other, context: request(1) }));
    table.take(connection({ kind: 'fail', cookie: 2n, error: 'connection_refused' }));
    table.end(1, 100n * second);
    const [row, failed] = table.connections();
    assert.deepEqual([row?.owner.pid, row?.traces], [43, [request(1).traceId]]);
    assert.deepEqual([failed?.state, failed?.error], ['closed', 'connection_refused']);
    const counts = (groups: typeof table.processes): unknown =>
      groups
        .rows()
        .map(({ owner: { pid }, open, opened, failed: failures }) => [pid, open, opened, failures])
        .sort((a, b) => Number(a[0]) - Number(b[0]));
    const expected = [
      [42, 0, 0, 1],
      [43, 1, 1, 0],
    ];
    assert.deepEqual(counts(table.processes), expected);
    assert.deepEqual(counts(table.containers), expected);
  });

  it('leaves listeners out', () => {
    const table = createTable();
    table.take(stateChange({ previous: 'closed', state: 'listen' }));
    table.take(stateChange({ previous: 'listen', state: 'closed' }));
    assert.deepEqual(table.connections(), []);
  });

  it('has a bound for all that it remembers, and says when it bites', () => {
    const table = createTable(3);
    for (let cookie = 1n; cookie <= 5n; cookie += 1n)
      table.take(live(1, 1, { cookie, owner: { ...owner, pid: Number(cookie), cgroupId: cookie } }));
    table.end(1, 0n);
    assert.equal(table.connections().length, 3);
    assert.equal(table.processes.rows().length, 3);
    assert.deepEqual(
      table.notes().map((note) => note.replace(/ to .*| made .*| a .*/, '')),
      ['2 times', '2 times', '2 times'],
    );
    // Those that are over make room for each other.
    for (let cookie = 6n; cookie <= 10n; cookie += 1n) table.take(connection({ cookie }));
    assert.equal(table.connections().length, 6);
    assert.match(table.notes().join('\n'), /^2 connections that ended made room for others/m);
  });

  it('forgets processes that have been without a connection for a minute', () => {
    const table = createTable();
    table.take(connection({ cookie: 2n, owner: other }));
    table.take(live(1, 1));
    for (let interval = 0; interval < 70; interval += 1) table.end(1, 0n);
    assert.deepEqual(
      table.processes.rows().map(({ owner: { pid } }) => pid),
      [42],
    );
  });
});
