import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordDispatch } from '../../../receiver/model/record-handlers.ts';
import { connection, listener, retransmit } from '../../support/correlation.ts';

test('a record goes to those who want its kind, in their order, and to nobody else', () => {
  const told: string[] = [];
  const dispatch = new RecordDispatch([
    { retransmit: () => told.push('first, retransmit'), close: () => told.push('first, close') },
    { close: ({ bytesSent }) => told.push(`second, close after ${bytesSent}`) },
  ]);
  dispatch.handle(connection({ kind: 'close', bytesSent: 10n }));
  dispatch.handle(retransmit());
  dispatch.handle(listener());
  dispatch.handle(connection({ kind: 'open' }));
  assert.deepEqual(told, ['first, close', 'second, close after 10', 'first, retransmit']);
});
