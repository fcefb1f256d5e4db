import wrapAnsi from 'wrap-ansi';
import type { Finding, FindingGroup } from './doctor-finding.ts';

const WIDTH = 100;
const [STATE_WIDTH, SUBJECT_WIDTH] = [7, 13];
const INDENT = 2 + STATE_WIDTH + 2 + SUBJECT_WIDTH + 1;

/** For people: a heading a group, a line a finding, and what to do below it. Ends with a newline. */
export function renderFindings(groups: readonly FindingGroup[]): string {
  return groups
    .map(({ title, findings }) => `${title}\n${findings.map((each) => lineOf(each)).join('')}`)
    .join('\n');
}

function lineOf({ state, subject, found, advice }: Finding): string {
  const head = `  ${state.padEnd(STATE_WIDTH)}  ${subject.padEnd(SUBJECT_WIDTH)} `;
  const paragraphs = [found, ...(advice === undefined ? [] : [`→ ${advice}`])];
  return `${head}${paragraphs.map(indented).join(`\n${' '.repeat(INDENT)}`)}\n`;
}

function indented(text: string): string {
  return wrapAnsi(text, WIDTH - INDENT).replaceAll('\n', `\n${' '.repeat(INDENT)}`);
}
