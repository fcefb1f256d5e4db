import type { LiveRow } from '../../../receiver/signals/live-table.ts';

/** A row with nothing in it but what a test gives. */
export function row(given: Partial<LiveRow> = {}): LiveRow {
  return {
    process: 'curl',
    service: 'curl',
    pid: 1,
    role: 'client',
    endpoint: '127.0.0.1:80',
    active: 0,
    opened: 0,
    failed: 0,
    handshakes: 0,
    rtts: 0,
    bytesSent: 0,
    bytesReceived: 0,
    retransmits: 0,
    drops: 0,
    resets: 0,
    listening: 0,
    queued: 0,
    queueLimit: 0,
    state: '',
    ...given,
  };
}
