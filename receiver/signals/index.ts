import { connection } from './connection/family.ts';
import { drop } from './drop/family.ts';
import type { Family } from './family.ts';
import { latency } from './latency/family.ts';
import { listener } from './listener/family.ts';
import { receive } from './receive/family.ts';
import { reset } from './reset/family.ts';
import { retransmit } from './retransmit/family.ts';
import { softirq } from './softirq/family.ts';
import { state } from './state/family.ts';

/** Every family of signals. */
export const FAMILIES: readonly Family[] = [
  listener,
  // The close of a socket ends its retransmissions, then the connection.
  retransmit,
  connection,
  drop,
  reset,
  softirq,
  receive,
  state,
  latency,
];
