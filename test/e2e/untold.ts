import assert from 'node:assert/strict';
import type { Output } from './observe.ts';
import { totalOf } from './otlp.ts';

/**
 * Requests that lost a segment and have no retransmission on their trace. The kernel runs no program at all in some softirqs
 * (docs/limitations.md); its own count has those too, as `other`. There may be no more such requests than that.
 */
export function checkUntold(
  untold: readonly { readonly id: string }[],
  { metrics }: Output,
  service: string,
): void {
  const unseen = totalOf(metrics, 'wirespan.tcp.retransmits', {
    resource: { 'service.name': service },
    attributes: { 'wirespan.tcp.retransmit.type': 'other' },
  });
  const paths = untold.map(({ id }) => id).join(' ');
  assert.ok(untold.length <= unseen, `${paths}: untold, though programs saw all but ${unseen}`);
}
