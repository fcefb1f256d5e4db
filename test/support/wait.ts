import { setTimeout as sleep } from 'node:timers/promises';

/** Polls until `condition` holds. Rejects, naming `what`, after `withinMs`. */
export async function waitFor(
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs = 30_000,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${withinMs / 1000} s in vain for ${what}`);
    await sleep(50);
  }
}
