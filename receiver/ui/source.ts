/** Where what is shown comes from, and so what of it is known. */
export interface UiSource {
  readonly kind: 'own' | 'agent' | 'recording';
  /** It has figures of connections that go on. */
  readonly hasLive: boolean;
  /** In words, such as `the recording case.wirespan`. */
  readonly words: string;
}

/** How long connections are shown after their end, and how many of them. */
export interface EndedShown {
  readonly lingerNs: bigint;
  readonly most: number;
}

const SECOND = 1_000_000_000n;
/** Longer than any recording. */
const FOR_EVER = 1n << 62n;

const JUST_ENDED: EndedShown = { lingerNs: 5n * SECOND, most: 4_096 };
const ALL_ENDED: EndedShown = { lingerNs: FOR_EVER, most: 65_536 };

export function endedShown({ kind }: UiSource): EndedShown {
  return kind === 'recording' ? ALL_ENDED : JUST_ENDED;
}

/** Why figures of what goes on are not there; undefined: they are. */
export function whatLacks({ hasLive }: UiSource): string | undefined {
  if (hasLive) return undefined;
  return 'A recording of before has no figures of a connection before its end, so they are 0 or – until then.';
}
