/** What the ends of HTTP/2 wrote, as the far end of their connections saw it, held against what was found of it. */
import assert from 'node:assert/strict';
import type { RetransmitRecord } from '../../../receiver/model/record.ts';
import { valueOf } from '../../support/traceparent.ts';

type Frame = readonly [at: number, length: number, type: number, stream: number];

/** A line of h2-relay.ts. */
export interface Written {
  readonly port: number;
  readonly frames: readonly Frame[];
  /** The `traceparent` that the server read, by the stream's number. */
  readonly values: Readonly<Record<number, string>>;
  /** The relay's own port towards the server, and what the server wrote there. */
  readonly behind: number;
  readonly answers: readonly Frame[];
}

interface Counts {
  readonly found: number;
  readonly all: number;
}

const HEADERS = 1;

/** How far it is from one sequence number to the next. */
const distance = (from: number, to: number): number => (to - from) >>> 0;

/** What of one connection its client sent again is of the streams whose bytes it was: how many records have a stream, and how many found it. */
export function checkStreams({ frames, values }: Written, records: readonly RetransmitRecord[]): Counts {
  const streamOf = new Map(
    Object.entries(values).map(([stream, value]) => [value.split('-')[2], Number(stream)]),
  );
  const origins = new Set<number>();
  for (const { context } of records) {
    if (context === undefined) continue;
    assert.equal(context.method, 'h2_header');
    const own = streamOf.get(context.spanId);
    const head = frames.find(([, , type, stream]) => type === HEADERS && stream === own);
    assert.ok(head !== undefined, 'it is of a stream of this connection');
    origins.add(distance(head[0], context.startSeq));
  }
  assert.ok(origins.size <= 1, 'the connection begins at one place');
  const origin: number | undefined = [...origins][0];
  return origin === undefined ? { found: 0, all: 0 } : checkAgainst(frames, values, origin, records);
}

/** The same of what its server sent again. `origin`: the sequence number of its first byte. */
export function checkAnswers(
  { answers, values }: Written,
  records: readonly RetransmitRecord[],
  origin: number,
): Counts {
  for (const { context } of records) if (context !== undefined) assert.equal(context.method, 'h2_stream');
  return checkAgainst(answers, values, origin, records);
}

function checkAgainst(
  frames: readonly Frame[],
  values: Written['values'],
  origin: number,
  records: readonly RetransmitRecord[],
): Counts {
  const counts = { found: 0, all: 0 };
  for (const { seq, endSeq, context } of records) {
    const from = distance(origin, seq);
    const to = from + distance(seq, endSeq);
    const owner: Frame | undefined = frames.find(
      ([at, length, , stream]) => stream > 0 && at < to && at + length > from,
    );
    const value: string | undefined = values[owner?.[3] ?? 0];
    if (value !== undefined) counts.all += 1;
    if (context === undefined) continue;
    counts.found += 1;
    assert.ok(value !== undefined, 'bytes of nobody');
    assert.equal(valueOf({ ...context, flags: context.traceFlags }), value);
  }
  return counts;
}
