// What the scripts say on stderr. Nobody has to read it: writing never holds up the script's own signals.
import { Buffer } from 'node:buffer';
import { write } from 'node:fs';
import { clearTimeout, setTimeout } from 'node:timers';

const RETRY_MS = 50;
const TRIES = 20;
const PATIENCE_MS = 1000;
let last = Promise.resolve();

/** Says it in its turn; resolves when it is out, cannot get out, or has waited for a second. Never rejects. */
export async function say(text) {
  const bytes = Buffer.from(`wirespan: ${text}\n`);
  last = last.then(() => writeOut(bytes, TRIES));
  let timer;
  await Promise.race([last, new Promise((resolve) => (timer = setTimeout(resolve, PATIENCE_MS)))]);
  clearTimeout(timer);
}

/** A full or broken stream is no reason to stop: what it does not take is left out. */
function writeOut(bytes, tries) {
  return new Promise((resolve) => {
    write(2, bytes, (error, taken = 0) => {
      const rest = error ? bytes : bytes.subarray(taken);
      if ((error && error.code !== 'EAGAIN') || rest.length === 0 || tries === 0) return resolve();
      setTimeout(() => resolve(writeOut(rest, error ? tries - 1 : tries)), error ? RETRY_MS : 0);
    });
  });
}
