/** Drops, and traces of what hurts requests, as views show them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KernelRecord } from '../../../receiver/model/record.ts';
import { optionsOf } from '../../../receiver/views/help.ts';
import { VIEWS } from '../../../receiver/views/index.ts';
import { dropped, retransmit } from '../../support/correlation.ts';
import { CONTEXT, show } from './show.ts';

describe('tcpdrop', () => {
  const drop = dropped({ flags: 0x18, location: 2n, state: 'established', stack: [2n, 3n] });

  it('says why and where, with the flags of the packet', () => {
    const { header, rows } = show('tcpdrop', drop);
    assert.match(header ?? '', /^TIME {5}PID .* STATE {8}\(FLAGS\) {3}REASON/);
    assert.match(
      rows[0]?.lines[0] ?? '',
      / 10\.1\.2\.3:40000 {9}> 192\.0\.2\.9:8080 {9}ESTABLISHED {2}\(PSH\|ACK\) netfilter_drop {7}tcp_v4_rcv$/,
    );
  });

  it('has the stack below it, with addresses that have no name, when it is asked for', () => {
    const [row] = show('tcpdrop -s', drop).rows;
    assert.deepEqual(row?.lines.slice(1), ['\ttcp_v4_rcv', '\t0x3']);
    assert.deepEqual(row.json?.['stack'], ['tcp_v4_rcv', '0x3']);
    const [without] = show('tcpdrop', drop).rows;
    assert.deepEqual([without?.lines.length, without?.json?.['stack']], [1, undefined]);
  });

  it('of a packet without headers nothing is made up', () => {
    const bare = dropped({
      flags: 0,
      sourceAddress: '',
      sourcePort: 0,
      destinationAddress: '',
      destinationPort: 0,
    });
    assert.match(
      show('tcpdrop', bare).rows[0]?.lines[0] ?? '',
      / 4 {2}- {22}> - {22}- {12}\(\) {8}netfilter_drop/,
    );
  });
});

describe('every view with --trace', () => {
  const DETAILS: readonly KernelRecord[] = [retransmit({ context: CONTEXT }), dropped({ context: CONTEXT })];

  it('names the trace when it is asked for one, and else does not, whatever a record has', () => {
    for (const name of ['tcpretrans', 'tcpdrop']) {
      const idsOf = (command: string): unknown[] =>
        show(command, ...DETAILS).rows.map(({ json }) => [json?.['trace_id'], json?.['span_id']]);
      assert.deepEqual(idsOf(`${name} --trace`), [[CONTEXT.traceId, CONTEXT.spanId]], name);
      assert.deepEqual(idsOf(name), [[undefined, undefined]], name);
    }
    const withTrace = VIEWS.filter((view) => optionsOf(view).some(({ long }) => long === 'trace'));
    assert.deepEqual(
      withTrace.map(({ name }) => name),
      ['tcpdrop', 'tcpretrans', 'top'],
    );
  });
});
