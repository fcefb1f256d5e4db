import type { ExchangePhases } from '../../model/exchange-phases.ts';
import type { ExchangeRecord } from '../../model/record.ts';

/** What the time of an exchange was spent on. */
export type Phase =
  | 'handshake'
  | 'request'
  | 'accept_queue'
  | 'receive_queue'
  | 'application'
  | 'send'
  | 'retransmit'
  | 'peer'
  | 'response'
  | 'acknowledgement'
  | 'unknown';

/** An exchange, by what its phases follow from. */
export type Divided = Pick<ExchangeRecord, 'role' | 'firstNs' | 'lastNs' | 'segmentsRetransmitted'>;

/** Nanoseconds of each phase; those that had none are left out. */
export type Division = ReadonlyMap<Phase, bigint>;

type Part = readonly [Phase, bigint];

/** CLOCK_MONOTONIC: when the exchange began and ended. */
interface Bounds {
  readonly startNs: bigint;
  readonly endNs: bigint;
}

/** A part of the time between two moments that follow each other, and what it divides into. */
interface Stretch {
  /** When it ends, and the next one begins; undefined: not known, so neither is how long both took. */
  readonly untilNs: bigint | undefined;
  /** What is known of it in durations. */
  readonly parts: readonly Part[];
  /** What all else of it was spent on. */
  readonly rest: Phase;
}

/**
 * Divides an exchange. The phases are disjoint, and their sum is `endNs - startNs`, exactly. `unknown` is what lies next to a
 * moment that is not known, what was not seen, and all of it when the moments or durations contradict each other.
 */
export function divide(exchange: Divided, known: ExchangePhases, bounds: Bounds): Division {
  const stretches = exchange.role === 'server' ? ofServer(exchange, known) : ofClient(exchange, known);
  return divideStretches([...stretches], bounds);
}

function divideStretches(stretches: readonly Stretch[], { startNs, endNs }: Bounds): Division {
  const found = new Map<Phase, bigint>();
  let left = endNs - startNs;
  let fromNs: bigint | undefined = startNs;
  let latestNs = startNs;
  for (const { untilNs, parts, rest } of stretches) {
    const since: bigint | undefined = fromNs;
    fromNs = untilNs;
    if (untilNs === undefined) continue;
    if (untilNs < latestNs || untilNs > endNs) return allUnknown(endNs - startNs);
    latestNs = untilNs;
    if (since === undefined) continue;
    const shares = sharesOf(untilNs - since, parts, rest);
    if (shares === undefined) return allUnknown(endNs - startNs);
    for (const [phase, ns] of shares) {
      if (phase === 'unknown' || ns === 0n) continue;
      found.set(phase, (found.get(phase) ?? 0n) + ns);
      left -= ns;
    }
  }
  if (left !== 0n) found.set('unknown', left);
  return found;
}

function allUnknown(ns: bigint): Division {
  return ns > 0n ? new Map([['unknown', ns]]) : new Map();
}

/** Undefined: the parts are longer than the whole, so something of them is wrong. */
function sharesOf(wholeNs: bigint, parts: readonly Part[], rest: Phase): readonly Part[] | undefined {
  const sum = parts.reduce((total, [, ns]) => total + ns, 0n);
  if (sum > wholeNs || parts.some(([, ns]) => ns < 0n)) return undefined;
  return [...parts, [rest, wholeNs - sum]];
}

/** From the first byte that came to the acknowledgement of the last. */
function* ofServer(exchange: Divided, known: ExchangePhases): Iterable<Stretch> {
  const cameNs = known.isUnclear ? undefined : momentOf(known.cameNs);
  const hasAnswer = exchange.firstNs !== 0n;
  // Who answers before all is read may read the rest later.
  const readNs = known.readNs > known.writtenNs && hasAnswer ? undefined : momentOf(known.readNs);
  yield { untilNs: cameNs, parts: [], rest: 'request' };
  // Where accept() is not timed, what waits in a connection that nobody has waits to be read.
  if (cameNs !== undefined && known.acceptedNs > cameNs)
    yield { untilNs: known.acceptedNs, parts: [], rest: 'accept_queue' };
  yield { untilNs: readNs, parts: [], rest: 'receive_queue' };
  if (!hasAnswer) return;
  yield writing(known);
  // Only the last acknowledgement of all that was written is the end.
  const rest = exchange.lastNs === 0n || hasUnseen(exchange, known) ? 'unknown' : 'acknowledgement';
  yield { untilNs: exchange.lastNs === 0n ? endOfSent(known) : exchange.lastNs, parts: sent(known), rest };
}

/** From the first byte written to the last that was read, or that came; with the handshake that was made for it. */
function* ofClient(exchange: Divided, known: ExchangePhases): Iterable<Stretch> {
  const { firstNs } = exchange;
  if (known.connectNs !== 0n) yield { untilNs: known.establishedNs, parts: [], rest: 'handshake' };
  yield writing(known);
  if (firstNs === 0n) {
    yield { untilNs: endOfSent(known), parts: sent(known), rest: 'unknown' };
    return;
  }
  yield { untilNs: firstNs, parts: sent(known), rest: hasUnseen(exchange, known) ? 'unknown' : 'peer' };
  if (known.isUnclear) return;
  const endNs = clientEndOf(exchange, known);
  const waiting = known.waitsNs === 0n ? 0n : endNs - known.waitsNs;
  yield { untilNs: endNs, parts: [['receive_queue', known.queuedNs + waiting]], rest: 'response' };
}

/** When a client's exchange was over: its response had come, and was read if it was. */
export function clientEndOf({ lastNs }: Pick<Divided, 'lastNs'>, { readNs }: ExchangePhases): bigint {
  return readNs > lastNs ? readNs : lastNs;
}

/** Until the last write began: the application's, but for what an earlier one had to wait for. */
function writing(known: ExchangePhases): Stretch {
  return {
    untilNs: known.writtenNs,
    parts: [
      ['send', known.earlierUnsentNs],
      ['retransmit', known.earlierLostNs],
      ['unknown', known.earlierUnknownNs],
    ],
    rest: 'application',
  };
}

/** What is known of the time after that. */
function sent({ writtenNs, unsentNs, lostNs, lostUnsentNs }: ExchangePhases): readonly Part[] {
  const unsent = unsentNs > writtenNs ? unsentNs - writtenNs - lostUnsentNs : 0n;
  return [
    ['send', unsent],
    ['retransmit', lostNs],
  ];
}

/** Until when that is, of what nobody answered or acknowledged. */
function endOfSent({ writtenNs, unsentNs, lostNs, lostUnsentNs }: ExchangePhases): bigint {
  const seenNs = unsentNs > writtenNs ? unsentNs : writtenNs;
  return seenNs + lostNs - lostUnsentNs;
}

function momentOf(ns: bigint): bigint | undefined {
  return ns === 0n ? undefined : ns;
}

/** Something was sent again that no program saw: how long that took is not known. */
function hasUnseen({ segmentsRetransmitted }: Divided, { segmentsSeen }: ExchangePhases): boolean {
  return segmentsRetransmitted > segmentsSeen;
}
