/** The figures of a page of `wirespan report`: what the load knows, and what the replay of its recording sends. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Report } from '../../receiver/report/report.ts';
import { Cleanup } from '../support/cleanup.ts';
import { startOtlpStub, type OtlpStub } from '../support/otlp-stub.ts';
import { ShownPage } from './report-page.ts';
import { asNobody, LOAD, ReportRig, type Truth } from './report-rig.ts';

/** What all points of a metric counted, by what `nameOf` makes of their attributes: of each series the last sum. */
function sentSums(
  stub: OtlpStub,
  metric: string,
  nameOf: (attributes: Readonly<Record<string, unknown>>) => unknown = () => 'all',
): Record<string, number> {
  const last = new Map<string, { name: string; value: number }>();
  for (const { name, resource, sum, histogram } of stub.metrics()) {
    if (name !== metric) continue;
    for (const point of sum?.dataPoints ?? histogram?.dataPoints ?? []) {
      const value = Number(point.count ?? point.asInt ?? point.asDouble);
      const key = JSON.stringify(
        [resource, point.attributes, String(point.startTimeUnixNano)],
        (_, each: unknown) => (typeof each === 'bigint' ? String(each) : each),
      );
      last.set(key, {
        name: String(nameOf(point.attributes)),
        value: Math.max(value, last.get(key)?.value ?? 0),
      });
    }
  }
  const sums: Record<string, number> = {};
  for (const { name, value } of last.values()) if (value > 0) sums[name] = (sums[name] ?? 0) + value;
  return sums;
}

/** Names a series by one of its attributes. */
function attribute(key: string): (attributes: Readonly<Record<string, unknown>>) => unknown {
  return (attributes) => attributes[key];
}

function total(sums: Readonly<Record<string, number>>): number {
  return Object.values(sums).reduce((sum, value) => sum + value, 0);
}

describe('the page of a recording has figures that', () => {
  const cleanup = new Cleanup();
  let truth: Truth;
  let stub: OtlpStub;
  let page: ShownPage;
  let report: Report;

  before(async () => {
    const rig = new ReportRig(cleanup);
    const [recording, file] = [join(rig.folder, 'recording'), join(rig.folder, 'page.html')];
    truth = await rig.record(recording);
    const made = await asNobody('report', file, '--from', recording);
    assert.equal(made.code, 0, made.stderr);
    stub = await startOtlpStub({ protocol: 'http/protobuf' });
    const target = [
      `--otlp.endpoint=${stub.url}`,
      '--otlp.protocol=http/protobuf',
      '--export.metrics.interval=1s',
    ];
    const events = ['tcp.retransmit', 'tcp.connection.close', 'packet.drop', 'tcp.reset'];
    const wishes = [...events.map((name) => `--events.${name}=on`), '--attributes.cpu.logical_number=on'];
    const sent = await asNobody('replay', recording, ...target, ...wishes, '--events.rate_limit=0');
    assert.equal(sent.code, 0, sent.stderr);
    page = await ShownPage.open(await rig.browser(), file);
    report = (await page.figures()) as Report;
  });
  after(() => cleanup.run());

  it('has the figures that the load knows', async () => {
    const seen = {
      retransmits: await page.total('retransmits'),
      failed: await page.total('failed'),
      overflows: await page.total('overflows'),
      dropped: (await page.sums('drops-by-reason'))['netfilter_drop'],
      failures: await page.sums('failures-by-error'),
      unreached: report.failures.byPeer.parts.length + report.failures.byPeer.others.names,
      // Who waited at the crowd's listener was accepted by nobody.
      accepts: (await page.rows('listeners')).reduce((sum, row) => sum + (row[4]?.value ?? 0), 0),
      resets: (await page.sums('resets-by-direction'))['sent'],
    };
    assert.ok(truth.dropped > 3 && truth.retransmitted >= truth.dropped, JSON.stringify(truth));
    assert.deepEqual(seen, {
      retransmits: truth.retransmitted,
      failed: LOAD.refused,
      overflows: truth.overflows,
      dropped: truth.dropped,
      failures: { connection_refused: LOAD.refused },
      unreached: LOAD.refused,
      accepts: LOAD.closed + LOAD.reset + LOAD.open,
      resets: truth.resetsSent,
    });
  });

  it('has the requests that were hurt, by the traces that the load gave them', async () => {
    const rows = await page.rows('requests');
    assert.ok(rows.length > 3);
    for (const [trace] of rows) assert.ok(truth.traces.has(trace?.text ?? ''), trace?.text);
    const hurt = new Set(
      stub
        .logRecords()
        .filter(isHurt)
        .map(({ traceId }) => traceId),
    );
    assert.equal(await page.total('hurt'), hurt.size);
    const shown = new Set(rows.map(([trace]) => trace?.text));
    assert.equal([...hurt].filter((trace) => shown.has(trace)).length, Math.min(hurt.size, rows.length));
  });

  it('has in tables what is sent of the same recording, value for value', async () => {
    const both = async (id: string, metric: string, key: string): Promise<void> =>
      assert.deepEqual(await page.sums(id), sentSums(stub, metric, attribute(key)), id);
    await both('retransmits-by-type', 'wirespan.tcp.retransmits', 'wirespan.tcp.retransmit.type');
    await both('drops-by-reason', 'wirespan.packet.dropped', 'wirespan.packet.drop.reason');
    const totals = {
      closed: total(sentSums(stub, 'wirespan.tcp.connection.closed')),
      retransmits: total(sentSums(stub, 'wirespan.tcp.retransmits')),
      drops: total(sentSums(stub, 'wirespan.packet.dropped')),
      resets: total(sentSums(stub, 'wirespan.tcp.resets')),
      overflows: total(sentSums(stub, 'wirespan.tcp.accept_queue.overflows')),
    };
    for (const [name, sent] of Object.entries(totals)) assert.equal(await page.total(name), sent, name);
    const failed = sentSums(
      stub,
      'wirespan.tcp.connection.opened',
      (attributes) => 'error.type' in attributes,
    );
    assert.deepEqual(
      [await page.total('opened'), await page.total('failed')],
      [failed['false'], failed['true']],
    );
    for (const [name, metric] of [
      ['segments', 'wirespan.tcp.segments'],
      ['bytes', 'wirespan.tcp.io'],
    ] as const) {
      const sent = sentSums(stub, metric, attribute('network.io.direction'));
      const { totals: shown } = report;
      const [out, back] =
        name === 'bytes'
          ? [shown.bytesSent, shown.bytesReceived]
          : [shown.segmentsSent, shown.segmentsReceived];
      assert.deepEqual(
        { transmit: out, receive: back },
        { receive: sent['receive'], transmit: sent['transmit'] },
      );
    }
  });

  it('has the distributions that are sent', async () => {
    const role = ({ 'wirespan.tcp.handshake.role': each }: Readonly<Record<string, unknown>>): unknown =>
      each;
    const rtt = sentSums(stub, 'wirespan.tcp.rtt', role);
    assert.deepEqual(Object.fromEntries(report.rtt.map(({ name, count }) => [name, count])), rtt);
    const last = (await page.rows('rtt')).find(([name]) => name?.text === 'all');
    assert.deepEqual(
      last?.slice(1).map(({ value }) => value),
      report.rtt.map(({ count }) => count),
    );
    for (const { counts, count } of [...report.rtt, ...report.handshakes])
      assert.equal(
        counts.reduce((sum, each) => sum + each),
        count,
      );
    const failed = report.handshakes.find(({ name }) => name === 'client, failed');
    assert.equal(failed?.count, LOAD.refused);
    const softirqs = sentSums(
      stub,
      'wirespan.softirq.time',
      (attributes) => attributes['wirespan.softirq.vector'],
    );
    for (const { vector, seconds } of report.softirqs.byVector)
      assert.ok(Math.abs(seconds - (softirqs[vector] ?? 0)) < 1e-9, vector);
    assert.equal(report.softirqs.byVector.length, Object.keys(softirqs).length);
    const cpus = sentSums(stub, 'wirespan.softirq.time', attribute('cpu.logical_number'));
    const shown = await page.rows('softirqs');
    assert.deepEqual(
      shown.slice(0, -1).map(([cpu]) => cpu?.text),
      Object.keys(cpus),
    );
    for (const [cpu, all] of shown.slice(0, -1))
      assert.ok(Math.abs((all?.value ?? 0) - (cpus[cpu?.text ?? ''] ?? 0)) < 1e-9, cpu?.text);
  });

  it('has the same in its tables, its bars over time and its figures for programs', async () => {
    const { retransmits, drops, failures, resets } = report;
    const all = { ...prefixed('retransmits', retransmits), ...prefixed('drops', drops) };
    Object.assign(all, prefixed('failures', failures), prefixed('resets', resets));
    for (const [id, breakdown] of Object.entries(all)) {
      const rows = await page.rows(id);
      const shown = rows.map(([, sum]) => sum?.value);
      const { parts, others } = breakdown;
      assert.deepEqual(
        shown,
        [...parts, others].map((part) => part.total).filter((sum) => sum > 0),
        id,
      );
      for (const part of [...parts, others]) {
        assert.equal(part.slices.length, report.slices.count);
        assert.equal(
          part.slices.reduce((sum, each) => sum + each, 0),
          part.total,
          id,
        );
      }
      assert.equal(
        [...parts, others].reduce((sum, part) => sum + part.total, 0),
        breakdown.total,
        id,
      );
      const bars = await page.page.locator(`#${id}-plot svg .bar`).count();
      const swatches = rows.length;
      const used = [...parts, others].flatMap(({ slices }) => slices).filter((each) => each > 0).length;
      assert.equal(bars, used + swatches, id);
    }
    // What the events tell is what the sums count.
    assert.equal(retransmits.byPeer.total, retransmits.byType.total);
    assert.equal(drops.byPeer.total, drops.byReason.total);
    assert.equal(failures.byPeer.total, failures.byError.total);
  });

  it('ranks connections by what they said of themselves, and the open one by its events', async () => {
    const closes = stub.logRecords().filter(({ eventName }) => eventName === 'wirespan.tcp.connection.close');
    const { byLosses, byRtt, byLifetime } = report.connections;
    assert.equal(byLifetime.rows.length + byLifetime.more, closes.length);
    const rtts = closes
      .map(({ attributes }) => attributes['wirespan.tcp.connection.rtt_smoothed'])
      .filter((rtt): rtt is number => typeof rtt === 'number')
      .sort((a, b) => b - a);
    assert.deepEqual(
      byRtt.rows.map(({ rtt }) => rtt),
      rtts.slice(0, byRtt.rows.length),
    );
    assert.equal(byRtt.more, rtts.length - byRtt.rows.length);
    assert.deepEqual(
      (await page.rows('by-rtt')).map((row) => row[6]?.value),
      byRtt.rows.map(({ rtt }) => rtt),
    );
    const lossy = new Set(
      stub
        .logRecords()
        .filter(({ eventName }) => /retransmit|drop/.test(eventName))
        .map(({ attributes }) => attributes['wirespan.tcp.connection.id'])
        .filter((id) => id !== undefined),
    );
    assert.equal(byLosses.rows.length + byLosses.more, lossy.size);
    const open = byLosses.rows.filter(({ isOpen }) => isOpen);
    assert.ok(open.length > 0 && open.every(({ retransmitted, drops }) => retransmitted + drops > 0));
    const shown = (await page.rows('by-losses')).filter((row) => row.at(-1)?.text === 'still open');
    assert.equal(shown.length, open.length);
  });
});

function prefixed<T>(prefix: string, parts: Readonly<Record<string, T>>): Record<string, T> {
  // `byType` of retransmits is the table `retransmits-by-type`.
  const id = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return Object.fromEntries(Object.entries(parts).map(([name, part]) => [`${prefix}-${id(name)}`, part]));
}

/** What happened to a request of an application. */
function isHurt({ eventName, attributes, traceId }: ReturnType<OtlpStub['logRecords']>[number]): boolean {
  const isOfRequest = 'wirespan.correlation.method' in attributes && traceId !== '';
  return isOfRequest && /\.(retransmit|drop|reset|fail)$/.test(eventName);
}
