/** Results of a test runner in another machine, from its TAP report. */

export interface TapTest {
  /** With the suites around it. */
  readonly name: string;
  readonly ok: boolean;
  /** Why it was not run; undefined when it was. */
  readonly skipped: string | undefined;
  /** The report's lines about it. */
  readonly detail: string;
}

const INDENT = 4;

/** The tests that hold no other tests, in order. */
export function readTap(text: string): TapTest[] {
  const tests: (TapTest & { detail: string })[] = [];
  const path: string[] = [];
  let last: { detail: string } | undefined;
  for (const line of text.split('\n')) {
    const [, spaces = '', word, rest = ''] = /^( *)(# Subtest:|ok \d+ -|not ok \d+ -) (.*)$/.exec(line) ?? [];
    const depth = spaces.length / INDENT;
    if (word === undefined) {
      if (last !== undefined) last.detail += `${line}\n`;
    } else if (word === '# Subtest:') {
      path.splice(depth, path.length, rest);
      last = undefined;
    } else {
      // A suite's own result comes after those of its tests, which are deeper.
      if (path.length === depth + 1) {
        last = { detail: '' };
        const [, skipped] = / # SKIP ?(.*)$/.exec(rest) ?? [];
        tests.push(Object.assign(last, { name: path.join(' › '), ok: word.startsWith('ok'), skipped }));
      } else {
        last = undefined;
      }
      path.splice(depth + 1);
    }
  }
  return tests;
}
