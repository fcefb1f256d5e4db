/** What the command line of the benchmark asks for. */
import { PARTS, type PartName } from './against/part.ts';
import type { Scale, SoakPlan } from './sections/section.ts';

export interface Parameters {
  /** Sections by name; none: those that run by default. */
  readonly sections: readonly string[];
  readonly scale: Scale;
  readonly isHelp: boolean;
}

const FULL: SoakPlan = { connections: 5_000_000, minutes: 10, rounds: 20, everySeconds: 60, isByPeer: false };
const QUICK: SoakPlan = { connections: 100_000, minutes: 0.6, rounds: 4, everySeconds: 4, isByPeer: false };
/** Less than this a round has nothing for its floods. */
const LEAST_CONNECTIONS = 25_000;
const MOST_CONNECTIONS = 100_000_000;
const MOST_MINUTES = 24 * 60;
const FLAGS = ['--quick', '--peers', '--help'];

/** @throws Error with one sentence for the user */
export function readParameters(args: readonly string[], known: readonly string[]): Parameters {
  const rest = [...args];
  const connections = takeNumber(rest, '--connections', LEAST_CONNECTIONS, MOST_CONNECTIONS);
  const minutes = takeNumber(rest, '--minutes', 0.1, MOST_MINUTES);
  const parts = takeParts(rest);
  const against = takeRevision(rest);
  const sections = rest.filter((arg) => !FLAGS.includes(arg));
  const unknown = sections.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new Error(`the benchmark has no section '${unknown}'; the sections are: ${known.join(', ')}`);
  const isQuick = rest.includes('--quick');
  const base = isQuick ? QUICK : FULL;
  const soak = {
    ...base,
    isByPeer: rest.includes('--peers'),
    connections: connections ?? base.connections,
    minutes: minutes ?? base.minutes,
  };
  const scale = { isQuick, soak, parts, ...(against !== undefined && { against }) };
  return { sections, scale, isHelp: rest.includes('--help') };
}

/** Takes the names of parts of `against` out of the arguments; without any it is all of them. */
function takeParts(args: string[]): readonly PartName[] {
  const names: readonly string[] = takeText(args, '--parts')?.split(',') ?? PARTS;
  const unknown = names.find((name) => !PARTS.some((part) => part === name));
  if (unknown !== undefined)
    throw new Error(`against has no part '${unknown}'; the parts are: ${PARTS.join(', ')}`);
  return PARTS.filter((part) => names.includes(part));
}

/** Takes the revision behind the section `against` out of the arguments. */
function takeRevision(args: string[]): string | undefined {
  const at = args.indexOf('against');
  if (at < 0) return undefined;
  const [revision = ''] = args.splice(at + 1, 1);
  if (revision === '' || revision.startsWith('-'))
    throw new Error("'against' needs a revision of this repository, or . for a copy of the working tree");
  return revision;
}

/** Takes `name VALUE` or `name=VALUE` out of the arguments. */
function takeText(args: string[], name: string): string | undefined {
  const at = args.findIndex((arg) => arg === name || arg.startsWith(`${name}=`));
  if (at < 0) return undefined;
  const [first = ''] = args.splice(at, 1);
  return first === name ? (args.splice(at, 1)[0] ?? '') : first.slice(name.length + 1);
}

function takeNumber(args: string[], name: string, least: number, most: number): number | undefined {
  const text = takeText(args, name);
  if (text === undefined) return undefined;
  const value = Number(text);
  const isWhole = name !== '--connections' || Number.isInteger(value);
  if (text === '' || !isWhole || !(value >= least && value <= most))
    throw new Error(
      `${name} is a number from ${String(least)} to ${String(most)}${text === '' ? '' : `, not '${text}'`}`,
    );
  return value;
}
