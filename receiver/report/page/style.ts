/** Fills that differ in pattern and in brightness, so that they are told apart without colour; as many as a plot has parts. */
export const FILLS = 6;

/** The hues of Okabe and Ito, which differ for nearly everybody; darker on white, lighter on black. */
const LIGHT = ['#00588f', '#b34e00', '#00735a', '#a14b80', '#6b5900', '#595959'];
const DARK = ['#6db9ec', '#f0a25c', '#45c9a5', '#e29cc6', '#d9c55a', '#b5b5b5'];

function colours(values: readonly string[]): string {
  return values.map((value, index) => `--fill-${String(index)}: ${value};`).join(' ');
}

const DARK_COLOURS = `
    --text: #e8e8e8; --quiet: #b4b4b4; --page: #15181b; --raised: #1f2428; --line: #4a5157; --warn: #3d2a00; --edge: #ffb84d;
    ${colours(DARK)}`;

/** The style of the page, and nothing of it is loaded from anywhere. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --text: #1a1a1a; --quiet: #555; --page: #fff; --raised: #f4f5f6; --line: #b9bec3; --warn: #fff4dc; --edge: #8a5a00;
  ${colours(LIGHT)}
}
@media screen and (prefers-color-scheme: dark) {
  :root {${DARK_COLOURS}
  }
}
body {
  margin: 0 auto; max-width: 72rem; padding: 0 1rem 4rem; color: var(--text); background: var(--page);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere;
}
h1 { font-size: 1.7rem; line-height: 1.2; margin: 1.5rem 0 .5rem; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 .5rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 1.5rem 0 .25rem; }
p { max-width: 46rem; }
a { color: inherit; }
:focus-visible { outline: 3px solid var(--fill-0); outline-offset: 2px; }
.skip { position: absolute; left: -100rem; }
.skip:focus { position: static; }
.quiet, figcaption, caption { color: var(--quiet); }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; padding: 0; list-style: none; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: .75rem 1rem; margin: 1rem 0; }
.facts div { background: var(--raised); padding: .5rem .75rem; border-left: 3px solid var(--line); }
.facts dt { color: var(--quiet); font-size: .85rem; }
.facts dd { margin: 0; font-size: 1.2rem; font-variant-numeric: tabular-nums; }
.warning { background: var(--warn); border-left: 4px solid var(--edge); padding: .5rem 1rem; margin: 1rem 0; }
figure { margin: 1rem 0; }
figcaption { margin-bottom: .25rem; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--text); font-size: 12px; font-family: inherit; }
svg .grid { stroke: var(--line); stroke-width: .5; }
svg .axis { stroke: var(--text); }
svg .bar { stroke: var(--text); stroke-width: .5; }
svg .marks { stroke: var(--page); stroke-width: 1.5; fill: none; }
${LIGHT.map((_, fill) => `svg .ground-${String(fill)} { fill: var(--fill-${String(fill)}); }`).join('\n')}
svg.patterns { position: absolute; width: 0; height: 0; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; padding: 0; margin: .25rem 0; font-size: .9rem; }
.legend svg { display: inline-block; width: 1.6rem; height: 1rem; vertical-align: -.15rem; margin-right: .35rem; }
.scroll { overflow-x: auto; margin: .5rem 0 1rem; }
table { border-collapse: collapse; font-size: .9rem; min-width: 30rem; }
caption { text-align: left; padding: .25rem 0; }
th, td { overflow-wrap: break-word; border-bottom: 1px solid var(--line); padding: .25rem .75rem .25rem 0; text-align: left; vertical-align: top; }
thead th { border-bottom: 2px solid var(--text); vertical-align: bottom; }
th[scope=row] { font-weight: normal; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
bdi { display: inline-block; max-width: 18rem; overflow-wrap: break-word; }
h1 bdi, p bdi { display: inline; }
code { font-size: .95em; }
@media print {
  body { max-width: none; padding: 0; font-size: 9pt; }
  nav, .skip { display: none; }
  figure, tr, .facts div { break-inside: avoid; }
  h2, h3, caption { break-after: avoid; }
  .scroll { overflow: visible; }
  table { min-width: 0; }
}
`;

/** What each pattern has on its ground of colour, in squares of eight. */
const STROKES: readonly string[] = [
  '',
  'M-2,2 l4,-4 M0,8 l8,-8 M6,10 l4,-4',
  'M0,2 h8 M0,6 h8',
  'M2,0 v8 M6,0 v8',
  'M0,0 l8,8 M8,0 l-8,8',
  'M1,2 h2 M5,6 h2',
];

/** The marks of a pattern, as a path in a square of eight; '' for the plain one. */
export function strokesOf(fill: number): string {
  return STROKES[fill % FILLS] ?? '';
}
