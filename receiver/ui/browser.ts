/** How often a page is asked for anew. */
const EVERY_MS = 1_000;
/** Without an answer for so long, what is shown is said to be old. */
const PATIENCE_MS = 5_000;

/**
 * The one script of our own that runs in the browser: it asks for the page once more, and changes what has changed in
 * the part that is live. What has the focus keeps it, and what is typed stays, for they are not in that part or are
 * told by their names.
 */
export const LIVE_SCRIPT = `import { Idiomorph } from './idiomorph.js';

const [button, state] = ['#pause', '#state'].map((name) => document.querySelector(name));
let isPaused = false;
button.hidden = false;
button.addEventListener('click', () => {
  isPaused = !isPaused;
  button.setAttribute('aria-pressed', String(isPaused));
});

function say(words) {
  if (state.textContent !== words) state.textContent = words;
}

async function refresh() {
  const signal = AbortSignal.timeout(${String(PATIENCE_MS)});
  const answer = await fetch(location.href, { cache: 'no-store', redirect: 'error', signal });
  if (!answer.ok) throw new Error(answer.statusText);
  const next = new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('#live');
  if (isPaused) return;
  Idiomorph.morph(document.querySelector('#live'), next, { ignoreActiveValue: true });
  say('');
}

for (;;) {
  await new Promise((resolve) => setTimeout(resolve, ${String(EVERY_MS)}));
  if (isPaused || document.hidden) continue;
  await refresh().catch(() => say('wirespan does not answer: what is shown is old'));
}
`;
