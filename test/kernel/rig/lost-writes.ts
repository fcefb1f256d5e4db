/** What is lost once and sent again is shown by a record, or done once more: on some hosts a program is skipped now and then in a timer. */
import assert from 'node:assert/strict';
import type { Context } from '../../support/traceparent.ts';
import type { Conversation, Stage } from './conversation.ts';
import type { Service } from './service.ts';

const ATTEMPTS = 5;

/** After `c.lose()`: writes what may come any number of times, until a record shows that it was sent again; how often it was written. */
export async function writeLost(
  { dropper }: Stage,
  c: Conversation,
  bytes: string | readonly string[],
  context?: Context,
): Promise<number> {
  const isShown = (): boolean => {
    const lost = dropper.dropped().filter(({ clientPort }) => clientPort === c.localPort);
    const last = lost.map(({ seq }) => seq).reduce((a, b) => (((b - a) | 0) > 0 ? b : a));
    return c.retransmits().some(({ record }) => record.seq === last);
  };
  return untilShown(isShown, async () => {
    await c.write(bytes, context);
    await c.settle();
  });
}

/** The same of a request, whose answer is lost. */
export async function exchangeLost(s: Service, request: string, context: Context | undefined): Promise<void> {
  const before = s.spans().length;
  await untilShown(
    () => s.spans().length > before,
    async () => s.exchange(request, context),
  );
}

/** How often it was played. */
async function untilShown(isShown: () => boolean, play: () => Promise<void>): Promise<number> {
  for (let attempt = 1; ; attempt += 1) {
    await play();
    if (isShown()) return attempt;
    assert.ok(attempt < ATTEMPTS, `what was sent again was not shown, ${ATTEMPTS} times over`);
  }
}
