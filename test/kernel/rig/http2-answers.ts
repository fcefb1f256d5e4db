/** Servers that answer over HTTP/2, and whose span each segment is on that they lost. */
import assert from 'node:assert/strict';
import { Http2Streams } from '../../../receiver/correlate/http2-streams.ts';
import { plain } from './conversation.ts';
import type { Service, ServiceStage } from './service.ts';

/** What a server writes first: its SETTINGS. */
export const SETTINGS = '\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64';

/**
 * Span ids of the answers that were sent again, in the order of their bytes, each once; none is of another request than the
 * one that the scene says.
 */
export function spansOfAnswers({ watcher, room, port }: ServiceStage, s: Service): (string | undefined)[] {
  const streams = new Http2Streams();
  const found = new Map<number, string | undefined>();
  for (const record of watcher.records()) {
    if (record.kind === 'http2') {
      if (record.netns === room.inode) streams.take(record);
      continue;
    }
    if (record.kind !== 'retransmit' || record.netns !== room.inode) continue;
    const { endpoints } = record;
    if (endpoints.localPort !== port || endpoints.peerPort !== s.clientPort) continue;
    const { context } = streams.resolve(record);
    const owner = s.ownerOf(record);
    if (owner === undefined) continue;
    if (context !== undefined) {
      assert.equal(context.method, 'h2_stream');
      assert.deepEqual(plain(context), owner.context);
    }
    found.set(owner.from, context?.spanId);
  }
  return [...found].sort(([a], [b]) => (a - b) | 0).map(([, span]) => span);
}
