/** What `npm run package` is asked for. */
import { resolve } from 'node:path';
import { dist, MACHINES, PackageError, type Machine } from './place.ts';

const ARCH = '--arch=';
const TO = '--to=';
const KINDS = ['npm', 'deb', 'image'] as const;
export type Kind = (typeof KINDS)[number];

export interface Request {
  readonly kinds: readonly Kind[];
  readonly machines: readonly Machine[];
  /** The folder that packages go to. */
  readonly target: string;
}

function isKind(word: string): word is Kind {
  return (KINDS as readonly string[]).includes(word);
}

/**
 * Everything for all machines where nothing is asked for.
 * @throws PackageError for a word that is neither a kind of package nor of machines
 */
export function readRequest(words: readonly string[]): Request {
  const after = (start: string): string[] =>
    words.filter((word) => word.startsWith(start)).map((word) => word.slice(start.length));
  const kinds = words.filter((word) => !word.startsWith(ARCH) && !word.startsWith(TO));
  const arches = after(ARCH).flatMap((list) => list.split(','));
  const wrong = [
    ...kinds.filter((word) => !isKind(word)),
    ...arches.filter((arch) => !MACHINES.some((machine) => machine.arch === arch)),
  ];
  if (wrong.length > 0) {
    const known = MACHINES.map(({ arch }) => arch).join(',');
    throw new PackageError(
      `'${wrong.join(' ')}' is unknown: the packages are ${KINDS.join(', ')}, the machines ${ARCH}${known}`,
    );
  }
  return {
    kinds: kinds.length > 0 ? kinds.filter(isKind) : KINDS,
    machines: MACHINES.filter(({ arch }) => arches.length === 0 || arches.includes(arch)),
    target: resolve(after(TO).at(-1) ?? dist),
  };
}
