/** How much of the rate was used and is not made good yet; those of its parts add up to it. */
interface Share {
  used: number;
  /** Undefined at the end of a path. */
  readonly parts: Map<string, Share> | undefined;
}

const maxEnds = 10_000;
/** So many times what is free, one may use. */
const threshold = 2;
const costlyLevels = 2;
const nsPerMs = 1_000_000;
/** Sums of fractions are not exact. */
const tolerance = 1e-6;

/**
 * A rate that is shared fairly, level by level: what one user cannot use another may have, and who comes anew
 * always finds room, however many ask for more. `path` names who asks, from what costs most to make to what costs
 * least (user, container, service …): many at a lower level share what their upper level has.
 *
 * Each admission uses up one; `perSecond` are made good each second, in equal parts for all that have used any
 * (generalised processor sharing). Somebody is admitted while it has used less than twice what is free at its level,
 * what is free at a level being what its upper level may still use (dynamic thresholds, Choudhury and Hahne 1998). So
 * whoever asks for much leaves half of what it has itself free for others, at each level. Who is alone gets `burst` at
 * once; all together get less than twice as much at once, and `perSecond` on average.
 *
 * Bound: 10,000 ends of paths; one more shares with all such of the same first two levels.
 */
export class FairShares {
  /** Ends that were put together because there were too many. */
  joined = 0;
  readonly #perSecond: number;
  readonly #burst: number;
  #whole: Share = emptyShare(false);
  #ends = 0;
  #lastNs: bigint;

  /** `perSecond` 0: no limit. */
  constructor(perSecond: number, burst: number, nowNs: bigint) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#lastNs = nowNs;
  }

  /** Whether one more may go at `nowNs` (CLOCK_MONOTONIC); if so, it is used up. Paths have the same length. */
  admit(path: readonly string[], nowNs: bigint): boolean {
    if (this.#perSecond === 0) return true;
    this.#makeGood(nowNs);
    const own = this.#ends < maxEnds || this.#has(path) ? path : joinedPath(path);
    if (!this.#isFree(own)) return false;
    if (own !== path) this.joined += 1;
    this.#use(own);
    return true;
  }

  #isFree(path: readonly string[]): boolean {
    // So that the thresholds of all levels leave `burst` to one who is alone.
    let free = this.#burst * (2 - threshold ** -path.length) - this.#whole.used;
    let share: Share | undefined = this.#whole;
    for (const name of path) {
      share = share?.parts?.get(name);
      const used = share?.used ?? 0;
      free = threshold * free - used;
      if (free + tolerance < 1) return false;
    }
    return true;
  }

  #has(path: readonly string[]): boolean {
    let share: Share | undefined = this.#whole;
    for (const name of path) share = share?.parts?.get(name);
    return share !== undefined;
  }

  #use(path: readonly string[]): void {
    let share = this.#whole;
    share.used += 1;
    for (const [level, name] of path.entries()) {
      let part = share.parts?.get(name);
      if (part === undefined) {
        const isEnd = level === path.length - 1;
        part = emptyShare(isEnd);
        share.parts?.set(name, part);
        if (isEnd) this.#ends += 1;
      }
      part.used += 1;
      share = part;
    }
  }

  /** At most once a millisecond, and less often the more there are: the work for it stays the same. */
  #makeGood(nowNs: bigint): void {
    const passedNs = Number(nowNs - this.#lastNs);
    if (passedNs < nsPerMs + this.#ends * 10_000) return;
    this.#lastNs = nowNs;
    this.#repay(this.#whole, Math.min(this.#whole.used, (passedNs / 1e9) * this.#perSecond));
  }

  /** In equal parts; what is more than one has used goes to the others. */
  #repay(share: Share, amount: number): void {
    const { parts } = share;
    if (parts === undefined) {
      share.used -= amount;
      return;
    }
    let left = amount;
    let sharers = parts.size;
    share.used = 0;
    for (const [name, part] of [...parts].sort(([, a], [, b]) => a.used - b.used)) {
      const given = Math.min(part.used, left / sharers);
      this.#repay(part, given);
      left -= given;
      sharers -= 1;
      share.used += part.used;
      if (part.used < tolerance) this.#remove(parts, name, part);
    }
  }

  #remove(parts: Map<string, Share>, name: string, { parts: within }: Share): void {
    parts.delete(name);
    if (within === undefined) this.#ends -= 1;
    else for (const [key, part] of within) this.#remove(within, key, part);
  }
}

function emptyShare(isEnd: boolean): Share {
  return { used: 0, parts: isEnd ? undefined : new Map() };
}

/** What is cheap to make stands together under what is not. */
function joinedPath(path: readonly string[]): readonly string[] {
  return path.map((name, level) => (level < costlyLevels ? name : ''));
}
