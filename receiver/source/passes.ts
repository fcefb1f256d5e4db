import type { BpfSession } from '../../native/index.ts';
import { u32, u64, u8 } from './number-bytes.ts';
import type { Plan } from './plan.ts';

/** A run holds its CPU for some 20 ms then; each visits the whole table, to take up its part. */
const SOCKETS_A_RUN = 32_768;

type PassSession = Pick<BpfSession, 'setVariable' | 'getVariable' | 'runIterator' | 'mapInfo'>;

/** Runs iterators that tell nothing, one after the other. */
export function runAll(session: Pick<PassSession, 'runIterator'>, programs: readonly string[]): void {
  for (const program of programs) session.runIterator(program, new Uint8Array(0));
}

/** The walks over the tracked sockets. */
export class Passes {
  readonly #session: PassSession;
  readonly #programs: readonly string[];
  readonly #holders: readonly string[];
  readonly #settle: readonly string[];
  #number = 0n;
  /** The bank of `unowned_drops` that is being counted. */
  #unownedBank = 1;

  /**
   * `pass`: run one after the other at each pass; each leaves alone what one before it met. `holders` says who has
   * listeners open, for those that the programs left in doubt. `settle` decides what was not sure when it was seen.
   */
  constructor(
    session: PassSession,
    { pass, settle, holders }: Pick<Plan['iterators'], 'pass' | 'settle' | 'holders'>,
  ) {
    this.#session = session;
    this.#programs = pass;
    this.#settle = settle;
    this.#holders = holders;
  }

  /**
   * One pass: `nowNs` is CLOCK_MONOTONIC. A table is walked in parts of about `socketsARun`.
   * Returns the pass's number.
   */
  run(nowNs: bigint, socketsARun = SOCKETS_A_RUN): number {
    this.#number += 1n;
    this.#session.setVariable('pass_number', u64(this.#number));
    this.#session.setVariable('pass_now_ns', u64(nowNs));
    this.#session.setVariable('pass_connections', u64(0n));
    this.#settleUnsure();
    this.#session.setVariable('pass_doubts', u32(0));
    this.#runPrograms(socketsARun, false);
    if (this.#isSet('pass_doubts')) {
      this.#settleHolders();
      this.#runPrograms(socketsARun, true);
    }
    return Number(this.#number);
  }

  /** One that also finds the owners of drops without a socket: it closes the bank that was being counted. */
  runForUnowned(nowNs: bigint): { readonly pass: number; readonly bank: number } {
    const bank = this.#unownedBank;
    this.#unownedBank += 1;
    this.#session.setVariable('pass_unowned_bank', u32(bank));
    this.#session.setVariable('unowned_bank', u32(this.#unownedBank));
    this.#session.setVariable('unowned_seen', u8(0));
    try {
      return { pass: this.run(nowNs), bank };
    } finally {
      this.#session.setVariable('pass_unowned_bank', u32(0));
    }
  }

  /**
   * One that views asked for: it takes no sample, and leaves to the others what they decide. `tellsAll`: of each
   * connection a record is made.
   */
  runForViews(nowNs: bigint, tellsAll: boolean): number {
    this.#session.setVariable('pass_for_views', u8(1));
    this.#session.setVariable('pass_tells_all', u8(Number(tellsAll)));
    try {
      return this.run(nowNs);
    } finally {
      this.#session.setVariable('pass_for_views', u8(0));
      this.#session.setVariable('pass_tells_all', u8(0));
    }
  }

  /** Entries of the table that the last pass found; 0 where there is no table. */
  entries(): number {
    const bytes = new Uint8Array(8);
    this.#session.getVariable('pass_entries', bytes);
    return Number(new DataView(bytes.buffer).getBigUint64(0, true));
  }

  #runPrograms(socketsARun: number, isAgain: boolean): void {
    this.#session.setVariable('pass_again', u8(Number(isAgain)));
    for (const program of this.#programs) {
      if (program === 'ws_pass_table') this.#walkTable(program, socketsARun);
      else
        this.#session.runIterator(program, new Uint8Array(0), program === 'ws_pass' ? { map: 'conns' } : {});
    }
  }

  /** Only where something is not sure. */
  #settleUnsure(): void {
    if (this.#settle.length === 0 || !this.#isSet('unsure_seen')) return;
    this.#session.setVariable('unsure_seen', u32(0));
    runAll(this.#session, this.#settle);
  }

  /** A second walk only where an owner no longer has its listener, and another process does. */
  #settleHolders(): void {
    this.#session.setVariable('holders_unheld', u32(0));
    this.#session.setVariable('holders_settle', u8(0));
    runAll(this.#session, this.#holders);
    if (!this.#isSet('holders_unheld')) return;
    this.#session.setVariable('holders_settle', u8(1));
    runAll(this.#session, this.#holders);
  }

  #isSet(variable: 'pass_doubts' | 'holders_unheld' | 'unsure_seen'): boolean {
    const bytes = new Uint8Array(4);
    this.#session.getVariable(variable, bytes);
    return bytes.some((byte) => byte !== 0);
  }

  /** In parts by what the last pass found; unused entries go when they may keep new sockets out. */
  #walkTable(program: string, socketsARun: number): void {
    const entries = this.entries();
    const parts = 1 + Math.floor(entries / socketsARun);
    const isTight = entries > this.#session.mapInfo('connections').maxEntries / 2;
    this.#session.setVariable('pass_parts', u32(parts));
    this.#session.setVariable('pass_forgets', u8(Number(isTight)));
    for (let part = 0; part < parts; part += 1) {
      this.#session.setVariable('pass_part', u32(part));
      this.#session.setVariable('pass_entries', u64(0n));
      this.#session.runIterator(program, new Uint8Array(0));
    }
  }
}
