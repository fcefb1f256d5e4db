import assert from 'node:assert/strict';
import type { RetransmitRecord } from '../../../receiver/model/record.ts';

/** The `traceparent` values of a connection's requests, in order, by the port of its client. */
export type Told = Map<number, string[]>;

/** Adds what a server of test/workloads/node-service/told-server.ts printed. */
export function readTold(lines: readonly string[], told: Told): void {
  for (const line of lines) {
    const { remotePort, traceparent } = JSON.parse(line) as { remotePort: number; traceparent: string };
    told.set(remotePort, [...(told.get(remotePort) ?? []), traceparent]);
  }
}

/** How many segments that were sent again on one connection are on a request: one of it, and requests begin in their order. */
export function linked(values: readonly string[], again: readonly RetransmitRecord[]): number {
  const found = again.flatMap(({ context }) => (context === undefined ? [] : [context]));
  const places = found.map(({ traceId, spanId, startSeq }) => ({
    place: values.findIndex((value) => value.includes(`-${traceId}-${spanId}-`)),
    startSeq,
  }));
  for (const { place, startSeq } of places) {
    assert.ok(place >= 0, 'a request of this connection');
    for (const other of places)
      assert.equal(Math.sign((startSeq - other.startSeq) | 0), Math.sign(place - other.place), 'in order');
  }
  return found.length;
}
