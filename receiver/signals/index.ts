import { connection } from './connection/family.ts';
import { dns } from './dns/family.ts';
import { drop } from './drop/family.ts';
import { exchange } from './exchange/family.ts';
import { exec } from './exec/family.ts';
import type { Family } from './family.ts';
import { http2 } from './http2/family.ts';
import { latency } from './latency/family.ts';
import { listener } from './listener/family.ts';
import { packet } from './packet/family.ts';
import { receive } from './receive/family.ts';
import { reset } from './reset/family.ts';
import { retransmit } from './retransmit/family.ts';
import { softirq } from './softirq/family.ts';
import { sample } from './sample/family.ts';
import { state } from './state/family.ts';
import { wakeup } from './wakeup/family.ts';
import { zeroWindow } from './zero-window/family.ts';

const ALL = [
  listener,
  // The close of a socket ends its retransmissions, then the connection.
  retransmit,
  connection,
  // What it reads is for nothing where arriving segments are not met.
  exchange,
  http2,
  drop,
  reset,
  softirq,
  receive,
  wakeup,
  zeroWindow,
  state,
  latency,
  exec,
  sample,
  dns,
  packet,
] as const;

type Intersection<U> = (U extends unknown ? (each: U) => void : never) extends (all: infer I) => void
  ? I
  : never;

/** What all families together ask of the kernel. */
export type FamilyOptions = Intersection<ReturnType<(typeof ALL)[number]['options']>>;

/** Every family of signals; programs are attached in this order. */
export const FAMILIES: readonly Family[] = ALL;
