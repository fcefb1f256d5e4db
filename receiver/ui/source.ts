/** Where what is shown comes from, and so what of it is known. */
export interface UiSource {
  readonly kind: 'own' | 'agent' | 'recording';
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

const ENDED: Readonly<Record<UiSource['kind'], EndedShown>> = {
  own: { lingerNs: 5n * SECOND, most: 4_096 },
  // Only at its end is it known what a connection moved.
  agent: { lingerNs: 60n * SECOND, most: 16_384 },
  recording: { lingerNs: FOR_EVER, most: 65_536 },
};

export function endedShown({ kind }: UiSource): EndedShown {
  return ENDED[kind];
}

/** Why figures of what goes on are not there; undefined: they are. */
export function whatLacks({ kind }: UiSource): string | undefined {
  if (kind === 'own') return undefined;
  const whose = kind === 'agent' ? 'The socket of an agent' : 'A recording';
  return `${whose} has no figures of a connection before its end, so they are 0 or – until then.`;
}
