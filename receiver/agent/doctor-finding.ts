/** How well one thing does here; `off`: the settings leave it out. */
export type FindingState = 'ok' | 'limited' | 'off' | 'failed';

/** One line of `wirespan doctor`. */
export interface Finding {
  readonly subject: string;
  readonly state: FindingState;
  /** What there is. */
  readonly found: string;
  /** What is missing by that, and what to do. */
  readonly advice?: string;
}

/** Lines of one heading. */
export interface FindingGroup {
  readonly title: string;
  readonly findings: readonly Finding[];
}

export const found = (subject: string, text: string): Finding => ({ subject, state: 'ok', found: text });

/** Everything that the settings ask for is there. */
export function isComplete(groups: readonly FindingGroup[]): boolean {
  return groups.every(({ findings }) => findings.every(({ state }) => state === 'ok' || state === 'off'));
}
