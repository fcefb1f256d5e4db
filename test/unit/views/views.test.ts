/** Every view's lines and objects, of records as the kernel tells them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { optionsOf } from '../../../receiver/views/help.ts';
import { VIEWS } from '../../../receiver/views/index.ts';
import { parseViewArguments } from '../../../receiver/views/options.ts';
import { connection, listener, owner, retransmit, second, stateChange } from '../../support/correlation.ts';
import { CONTEXT, show, startView, textOf, TOOLS } from './show.ts';

describe('tcplife', () => {
  const life = connection({ bytesSent: 3_000n, bytesReceived: 1_024n });

  it('has the columns of BCC, and a connection lives from the end of its handshake on', () => {
    assert.deepEqual(textOf(show('tcplife', life)), [
      'PID     COMM       LADDR           LPORT RADDR           RPORT TX_KB RX_KB MS',
      '42      app        10.1.2.3        40000 192.0.2.9       8080      2     1 9000.00',
    ]);
  });

  it('a failed attempt lived since its first SYN', () => {
    const [row] = show('tcplife', { ...life, kind: 'fail', establishedNs: 0n }).rows;
    assert.equal(row?.json?.['lifetime_ms'], 10_000);
  });

  it('says nothing of how long one lived that is older than the view', () => {
    const [row] = show('tcplife', { ...life, establishedNs: 0n, handshakeStartNs: 0n }).rows;
    assert.match(row?.lines[0] ?? '', / -$/);
    assert.equal(row?.json?.['lifetime_ms'], null);
  });

  it('has times, addresses as long as they get, and commas', () => {
    const shown = textOf(show('tcplife -T -t -w', life, { ...life, timeNs: life.timeNs + second / 2n }));
    assert.match(shown[0] ?? '', /^TIME {5}TIME\(s\) {3}PID {5}COMM {13}IP LADDR/);
    assert.match(shown[1] ?? '', /^\d\d:\d\d:\d\d 0\.000000 {2}42 /);
    assert.match(shown[2] ?? '', /^\d\d:\d\d:\d\d 0\.500000 {2}42 /);
    const odd = { ...life, owner: { ...owner, command: 'a,"b"' } };
    assert.deepEqual(textOf(show('tcplife -s', odd)), [
      'PID,COMM,IP,LADDR,LPORT,RADDR,RPORT,TX_KB,RX_KB,MS',
      '42,"a,""b""",4,10.1.2.3,40000,192.0.2.9,8080,2,1,9000.00',
    ]);
  });

  it('shows attempts that failed, and no other step', () => {
    const fail = connection({ kind: 'fail', error: 'connection_refused', establishedNs: 0n });
    const { rows } = show(
      'tcplife',
      fail,
      connection({ kind: 'open' }),
      connection({ kind: 'accept' }),
      retransmit(),
    );
    assert.deepEqual(
      rows.map(({ json }) => [json?.['error'], json?.['lifetime_ms']]),
      [['connection_refused', 10_000]],
    );
  });

  it('is safe on a terminal, whatever a process calls itself', () => {
    const [row] = show('tcplife', { ...life, owner: { ...owner, command: '\x1b[2Jx' } }).rows;
    assert.match(row?.lines[0] ?? '', /^42 {6}\?\[2Jx /);
    assert.equal(row?.json?.['comm'], '\x1b[2Jx');
  });
});

describe('tcpaccept', () => {
  it('has the columns of BCC', () => {
    const accept = connection({ kind: 'accept', role: 'server', acceptedNs: 91n * second + 5_000_000n });
    const shown = show('tcpaccept', accept, connection());
    assert.deepEqual(textOf(shown), [
      'PID     COMM         IP RADDR            RPORT LADDR            LPORT',
      '42      app          4  192.0.2.9        8080  10.1.2.3         40000',
    ]);
    assert.equal(shown.rows[0]?.json?.['accept_queue_wait_ms'], 5);
    const unknown = show('tcpaccept', { ...accept, establishedNs: 0n }, { ...accept, acceptedNs: 0n });
    assert.deepEqual(
      unknown.rows.map(({ json }) => json?.['accept_queue_wait_ms']),
      [null, null],
    );
  });
});

describe('tcpconnect', () => {
  const open = connection({ kind: 'open' });
  const refused = connection({ kind: 'fail', error: 'connection_refused' });

  it('has the columns of BCC, and the local port when asked', () => {
    assert.deepEqual(textOf(show('tcpconnect', open, connection({ kind: 'fail', role: 'server' }))), [
      'PID     COMM         IP SADDR            DADDR            DPORT',
      '42      app          4  10.1.2.3         192.0.2.9        8080',
    ]);
    assert.match(textOf(show('tcpconnect -L', open))[1] ?? '', / 10\.1\.2\.3 {9}40000 {2}192\.0\.2\.9 /);
  });

  it('has the user who made the socket when asked, and those of one user alone', () => {
    const [root, other] = [0, 1_000].map((uid) => ({ ...open, uid }));
    assert.ok(root !== undefined && other !== undefined);
    const shown = show('tcpconnect -U', root, other, open);
    assert.deepEqual(
      textOf(shown).map((each) => each.slice(0, 22)),
      [
        'UID    PID     COMM   ',
        '0      42      app    ',
        '1000   42      app    ',
        '-      42      app    ',
      ],
    );
    assert.deepEqual(
      shown.rows.map(({ json }) => json?.['uid']),
      [0, 1_000, null],
    );
    assert.deepEqual(textOf(show('tcpconnect -U -u 1000', root, other, open)).slice(1), [
      '1000   42      app          4  10.1.2.3         192.0.2.9        8080',
    ]);
    assert.match(textOf(show('tcpconnect -c -u 0', root, other, open))[1] ?? '', / 8080 +1$/);
    assert.match(textOf(show('tcptracer -U', other))[1] ?? '', /^C 1000   42 /);
    assert.equal(show('tcptracer -u 1000', other).rows.length, 1);
    assert.equal(show('tcptracer -u 1001', other).rows.length, 0);
  });

  it('says how many it left out that are of nobody knows whom', () => {
    const run = startView('tcpconnect -u 0');
    for (const record of [open, { ...open, uid: 1 }, refused]) assert.equal(run.row(record), undefined);
    assert.match(run.notes?.()[0] ?? '', /^2 are left out, since it was not noted which user made them/);
  });

  it('counts by destination, most first, and prints at the end', () => {
    const other = { ...open, endpoints: { ...open.endpoints, peerPort: 53 } };
    assert.deepEqual(textOf(show('tcpconnect -c', other, open, refused)), [
      'LADDR                     RADDR                     RPORT                CONNECTS',
      '10.1.2.3                  192.0.2.9                 8080                 2',
      '10.1.2.3                  192.0.2.9                 53                   1',
    ]);
  });
});

describe('tcpconnlat', () => {
  const open = connection({ kind: 'open', timeNs: 91n * second });

  it('is the time from the first SYN to the answer, a refusal too', () => {
    const refused = connection({ kind: 'fail', error: 'connection_refused', timeNs: 90n * second + 70_000n });
    const silent = connection({ kind: 'fail', error: 'timed_out' });
    assert.deepEqual(textOf(show('tcpconnlat', open, refused, silent)), [
      'PID     COMM         IP SADDR            DADDR            DPORT LAT(ms)',
      '42      app          4  10.1.2.3         192.0.2.9        8080  1000.00',
      '42      app          4  10.1.2.3         192.0.2.9        8080  0.07',
    ]);
  });

  it('leaves out what was quicker than asked', () => {
    assert.equal(show('tcpconnlat -m 1000', open).rows.length, 1);
    assert.equal(show('tcpconnlat 1001', open).rows.length, 0);
    assert.equal(show('tcpconnlat -m 1000.1', open).rows.length, 0);
  });
});

describe('tcpretrans', () => {
  const probe = retransmit({ type: 'tail_loss_probe' });

  it('says who sent what again', () => {
    assert.deepEqual(textOf(show('tcpretrans -s', retransmit({ state: 'fin_wait_1' }))), [
      'TIME     PID     COMM         IP LADDR:LPORT            T> RADDR:RPORT            STATE        SEQ',
      `${textOf(show('tcpretrans', probe))[1]?.slice(0, 8) ?? ''} 42      app          4  10.1.2.3:40000         R> 192.0.2.9:8080         FIN_WAIT1    1000`,
    ]);
  });

  it('marks tail loss probes when asked', () => {
    assert.match(textOf(show('tcpretrans', probe))[1] ?? '', / R> /);
    assert.match(textOf(show('tcpretrans -l', probe))[1] ?? '', / L> /);
  });

  it('names the trace of the request, or nothing', () => {
    const [, on, none] = textOf(show('tcpretrans --trace', retransmit({ context: CONTEXT }), retransmit()));
    assert.match(on ?? '', / ESTABLISHED {2}a{32}$/);
    assert.match(none ?? '', / ESTABLISHED {2}-$/);
  });

  it('counts by connection', () => {
    const other = retransmit({ endpoints: { ...probe.endpoints, peerPort: 9 } });
    const from = retransmit({ endpoints: { ...probe.endpoints, localPort: 40_001 } });
    assert.deepEqual(textOf(show('tcpretrans -c', other, probe, probe)), [
      'LADDR:LPORT                RADDR:RPORT            RETRANSMITS',
      '10.1.2.3:40000         <-> 192.0.2.9:8080         2',
      '10.1.2.3:40000         <-> 192.0.2.9:9            1',
    ]);
    assert.equal(show('tcpretrans -c', from, probe).rows.length, 3);
  });
});

describe('tcpstates', () => {
  it('has how long the state before lasted; of a socket older than the view nothing', () => {
    const at = (ms: number) => 100n * second + BigInt(ms) * 1_000_000n;
    const [begun, old] = [{ cookie: 5n }, { cookie: 6n }];
    const rows = [
      stateChange({ ...begun, timeNs: at(0), previous: 'closed', state: 'syn_sent' }),
      stateChange({ ...begun, timeNs: at(7), previous: 'syn_sent', state: 'established' }),
      stateChange({ ...old, timeNs: at(8), previous: 'established', state: 'close_wait' }),
      stateChange({ ...begun, timeNs: at(9), previous: 'established', state: 'closed' }),
      stateChange({ ...begun, timeNs: at(10), previous: 'closed', state: 'syn_sent' }),
    ];
    const shown = show('tcpstates', ...rows);
    assert.match(shown.header ?? '', /OLDSTATE {4}-> NEWSTATE {4}MS$/);
    assert.deepEqual(
      shown.rows.map(({ json }) => json?.['ms']),
      [0, 7, null, 2, 0],
    );
    assert.match(shown.rows[2]?.lines[0] ?? '', / ESTABLISHED -> CLOSE_WAIT {2}-$/);
  });
});

describe('what a view remembers', () => {
  it('has a bound; what it left out is said', () => {
    const view = VIEWS.find(({ name }) => name === 'tcpstates');
    assert.ok(view !== undefined);
    const run = view.start(parseViewArguments('tcpstates', optionsOf(view), []), TOOLS);
    for (let i = 0; i < TOOLS.maxRemembered + 3; i += 1)
      run.row(stateChange({ cookie: BigInt(i), previous: 'closed', state: 'syn_sent' }));
    assert.deepEqual(run.notes?.(), [
      '3 sockets made room for newer ones: how long their state lasted is not known',
    ]);
    const [row] = [run.row(stateChange({ cookie: 0n, previous: 'syn_sent', state: 'established' }))];
    assert.equal(row?.json?.['ms'], null);
  });
});

describe('tcptracer', () => {
  it('has C, A and X', () => {
    const steps = (['open', 'accept', 'close', 'fail'] as const).map((kind) => connection({ kind }));
    const shown = textOf(show('tcptracer', ...steps, retransmit(), listener()));
    assert.deepEqual(
      shown.map((text) => text[0]),
      ['T', 'C', 'A', 'X'],
    );
    assert.match(textOf(show('tcptracer -v', ...steps))[1] ?? '', /^100000000000 {5}connect {2}42 .* 7$/);
  });
});

describe('solisten', () => {
  it('says who listens where, with its backlog', () => {
    const start = listener({ backlog: 128 });
    assert.match(textOf(show('solisten', start))[1] ?? '', /^42 {6}app {14}TCPv4 {2}128 {6}\d+ /);
    assert.match(textOf(show('solisten --show-netns', start))[1] ?? '', / app {14}7 {12}TCPv4 /);
    assert.equal(show('solisten', { ...start, kind: 'listener_stop' }).rows.length, 0);
  });
});

describe('every view', () => {
  it('ignores records that are not its own', () => {
    for (const { name, isScreen = false } of VIEWS)
      if (!isScreen) assert.deepEqual(show(name, { kind: 'owner', owner }).rows, [], name);
  });
});
