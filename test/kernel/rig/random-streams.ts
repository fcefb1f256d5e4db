import assert from 'node:assert/strict';
import type { Context } from '../../support/traceparent.ts';
import { newContext } from '../../support/traceparent.ts';
import { Conversation, OPAQUE, type Stage } from './conversation.ts';

export interface RandomStreams {
  readonly connections: number;
  /** Writes of each. */
  readonly steps: number;
  /** What is written from now on is of this context. Undefined: of nobody. */
  readonly say: (connection: Conversation, context: Context | undefined) => Promise<unknown>;
}

const WAITING = 6;
const LOST_PERMILLE = 300;

/**
 * Connections that write bytes of changing contexts and of nobody, with segments lost by chance. @throws when a segment
 * that was sent again is said to be of another context than its bytes are, or hardly any is said to be of one
 */
export async function checkRandomStreams(
  stage: Stage,
  { connections, steps, say }: RandomStreams,
): Promise<void> {
  let owned = 0;
  for (let index = 0; index < connections; index += 1) {
    const c = await Conversation.openSilent(stage, { mss: [0, 100, 536][index % 3] ?? 0 });
    // The first byte is lost: its place is known.
    c.lose();
    await c.write(OPAQUE);
    await c.settle();
    stage.dropper.lose(stage.port, { permille: LOST_PERMILLE });
    let context: Context | undefined;
    for (let step = 1; step <= steps; step += 1) {
      if (Math.random() < 0.6) {
        context = Math.random() < 0.2 ? undefined : newContext(step % 2);
        await say(c, context);
      }
      await c.write('x'.repeat(1 + Math.floor(Math.random() * 2_000)), context);
      if (step % WAITING === 0) await c.settle();
    }
    await c.settle();
    await say(c, undefined);
    await c.close();
    c.checkContexts();
    owned += c.retransmits().filter(({ record }) => record.context !== undefined).length;
  }
  assert.ok(owned > connections, `${owned} retransmissions with a context`);
}
