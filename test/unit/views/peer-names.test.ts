/** By which names addresses were asked for, and `tcpconnect -d`, which shows them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import dnsPacket, { type Answer } from 'dns-packet';
import type { DnsAnswerRecord } from '../../../receiver/model/dns-answer.ts';
import { PeerNames } from '../../../receiver/views/peer-names.ts';
import { connection } from '../../support/correlation.ts';
import { show, textOf } from './show.ts';

function messageOf(name: string, ...answers: readonly Answer[]): Uint8Array {
  return dnsPacket.encode({ type: 'response', questions: [{ type: 'A', name }], answers: [...answers] });
}

function answerOf(name: string, ...answers: readonly Answer[]): DnsAnswerRecord {
  return { kind: 'dns_answer', timeNs: 0n, message: messageOf(name, ...answers) };
}

const a = (name: string, data: string): Answer => ({ type: 'A', name, data, ttl: 1 });

describe('names of peers', () => {
  const named = (...records: readonly DnsAnswerRecord[]): PeerNames => {
    const names = new PeerNames(2);
    for (const record of records) names.add(record);
    return names;
  };

  it('are what was asked for, not what that is an alias of, and the last of several', () => {
    const alias = { type: 'CNAME', name: 'shop.example', data: 'lb.example' } as const;
    const six = { type: 'AAAA', name: 'lb.example', data: '2001:db8:0:0:1:0:0:1' } as const;
    const names = named(
      answerOf('old.example', a('old.example', '192.0.2.9')),
      answerOf('shop.example', alias, a('lb.example', '192.0.2.9'), six),
    );
    assert.equal(names.of('192.0.2.9'), 'shop.example');
    // As records have it, RFC 5952.
    assert.equal(names.of('2001:db8::1:0:0:1'), 'shop.example');
    assert.equal(names.of('lb.example'), undefined);
    assert.deepEqual(names.notes(), []);
  });

  it('make room for newer ones, and that is told', () => {
    const names = named(...[1, 2, 3].map((n) => answerOf(`${n}.example`, a('x', `192.0.2.${n}`))));
    assert.deepEqual(
      [1, 2, 3].map((n) => names.of(`192.0.2.${n}`)),
      [undefined, '2.example', '3.example'],
    );
    assert.deepEqual(names.notes(), ['names of 1 addresses made room for newer ones']);
  });

  it('of a message that is too long or no answer at all are not known, which is told, and nothing is thrown', () => {
    const whole = messageOf('shop.example', a('shop.example', '192.0.2.9'));
    const cuts = Array.from({ length: whole.length }, (_, length) => whole.slice(0, length));
    const names = named(
      { kind: 'dns_answer', timeNs: 0n },
      ...cuts.map((message) => ({ kind: 'dns_answer', timeNs: 0n, message }) as const),
    );
    assert.equal(names.of('192.0.2.9'), undefined);
    assert.deepEqual(names.notes(), [
      '1 answers of name servers were too long to be read',
      `${cuts.length} answers of name servers cannot be read`,
    ]);
  });

  it('are safe on a terminal', () => {
    const names = named(answerOf('\x1b[2J.example', a('x', '192.0.2.9')));
    assert.equal(names.of('192.0.2.9'), '?[2J.example');
  });
});

describe('tcpconnect -d', () => {
  const open = connection({ kind: 'open' });
  const answer = answerOf('shop.example', a('shop.example', '192.0.2.9'));

  it('has the name as its last column, of what came before', () => {
    const shown = show('tcpconnect -d', open, answer, open);
    assert.deepEqual(textOf(shown), [
      'PID     COMM         IP SADDR            DADDR            DPORT QUERY',
      '42      app          4  10.1.2.3         192.0.2.9        8080  -',
      '42      app          4  10.1.2.3         192.0.2.9        8080  shop.example',
    ]);
    assert.deepEqual(
      shown.rows.map(({ json }) => json?.['query']),
      [null, 'shop.example'],
    );
    assert.ok(!('query' in (show('tcpconnect', answer, open).rows[0]?.json ?? {})));
  });

  it('counts with the name that is known at the end', () => {
    assert.deepEqual(textOf(show('tcpconnect -d -c', open, answer, open)), [
      'LADDR                     RADDR                     RPORT                CONNECTS   QUERY',
      '10.1.2.3                  192.0.2.9                 8080                 2          shop.example',
    ]);
  });
});
