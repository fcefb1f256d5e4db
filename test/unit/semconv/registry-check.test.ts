import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ATTRIBUTES, EVENTS, METRICS, SCOPE_NAMES, SPANS, VERSION } from '../../../semconv/index.ts';
import type { AttributeUse, MetricDescriptor, Scope } from '../../../semconv/index.ts';
import type { OtlpAttribute, OtlpLine, OtlpMetric, OtlpScope } from '../../support/otlp-json.ts';
import { checkAgainstRegistry } from '../../support/registry-check.ts';

const TRACE = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };

function scopeOf(scope: Scope): OtlpScope {
  return { name: SCOPE_NAMES[scope], version: VERSION };
}

/** A valid value for every attribute of a signal, opt-in ones included. */
function attributesOf(uses: readonly AttributeUse[]): OtlpAttribute[] {
  return uses.map(({ key }) => {
    const attribute = ATTRIBUTES.find((candidate) => candidate.key === key);
    if (attribute?.type === 'int') return { key, value: { intValue: '443' } };
    if (attribute?.type === 'double') return { key, value: { doubleValue: 0.25 } };
    return { key, value: { stringValue: attribute?.values?.[0] ?? 'text' } };
  });
}

function goodMetric(descriptor: MetricDescriptor): OtlpMetric {
  const { name, unit, description, instrument, valueType, boundaries = [] } = descriptor;
  const attributes = attributesOf(descriptor.attributes);
  if (instrument === 'histogram') {
    const bucketCounts = [...boundaries.map(() => '1'), '1'];
    const point = {
      attributes,
      count: String(bucketCounts.length),
      sum: 1,
      bucketCounts,
      explicitBounds: boundaries,
    };
    return { name, unit, description, histogram: { dataPoints: [point], aggregationTemporality: 2 } };
  }
  const point = { attributes, ...(valueType === 'int' ? { asInt: '3' } : { asDouble: 0.5 }) };
  const sum = { dataPoints: [point], isMonotonic: instrument === 'counter', aggregationTemporality: 2 };
  return { name, unit, description, sum };
}

function metricLine(scope: OtlpScope, ...metrics: OtlpMetric[]): OtlpLine {
  return { resourceMetrics: [{ scopeMetrics: [{ scope, metrics }] }] };
}

function spanLine(change: object, scope = scopeOf('tcp')): OtlpLine {
  const descriptor = SPANS.find(({ name }) => name === 'tcp connect');
  assert.ok(descriptor !== undefined);
  const span = {
    ...TRACE,
    name: 'tcp connect 443',
    kind: 1,
    startTimeUnixNano: '1000000000000000000',
    endTimeUnixNano: '1000000000000000001',
    attributes: attributesOf(descriptor.attributes),
    status: { code: 2 },
    ...change,
  };
  return { resourceSpans: [{ scopeSpans: [{ scope, spans: [span] }] }] };
}

function eventLine(change: object): OtlpLine {
  const descriptor = EVENTS.find(({ name }) => name === 'wirespan.tcp.retransmit');
  assert.ok(descriptor !== undefined);
  const record = {
    ...TRACE,
    eventName: descriptor.name,
    severityNumber: 9,
    attributes: attributesOf(descriptor.attributes),
    ...change,
  };
  return { resourceLogs: [{ scopeLogs: [{ scope: scopeOf('tcp'), logRecords: [record] }] }] };
}

const rtt = METRICS.find(({ name }) => name === 'wirespan.tcp.rtt');
const opened = METRICS.find(({ name }) => name === 'wirespan.tcp.connection.opened');
assert.ok(rtt !== undefined && opened !== undefined);
const goodRtt = goodMetric(rtt);
const goodOpened = goodMetric(opened);
const openedPoint = goodOpened.sum?.dataPoints?.[0];
const rttPoint = goodRtt.histogram?.dataPoints?.[0];

function openedWith(...dataPoints: object[]): OtlpLine {
  return metricLine(scopeOf('tcp'), { ...goodOpened, sum: { ...goodOpened.sum, dataPoints } });
}

function openedWithAttributes(change: (attributes: OtlpAttribute[]) => OtlpAttribute[]): OtlpLine {
  return openedWith({ ...openedPoint, attributes: change([...(openedPoint?.attributes ?? [])]) });
}

function rttWith(change: object): OtlpLine {
  return metricLine(scopeOf('tcp'), {
    ...goodRtt,
    histogram: { ...goodRtt.histogram, dataPoints: [{ ...rttPoint, ...change }] },
  });
}

describe('telemetry as registered', () => {
  test('every metric', () => {
    const lines = METRICS.map((descriptor) => metricLine(scopeOf(descriptor.scope), goodMetric(descriptor)));
    assert.deepEqual(checkAgainstRegistry(lines), []);
  });
  test('a span, with and without its port', () => {
    const portless = (spanLine({}).resourceSpans?.[0]?.scopeSpans?.[0]?.spans?.[0]?.attributes ?? []).filter(
      ({ key }) => key !== 'server.port',
    );
    assert.deepEqual(
      checkAgainstRegistry([spanLine({}), spanLine({ name: 'tcp connect', attributes: portless })]),
      [],
    );
  });
  test('an event at both severities', () => {
    assert.deepEqual(checkAgainstRegistry([eventLine({}), eventLine({ severityNumber: 13 })]), []);
  });
  test('an overflow series', () => {
    const attributes = [{ key: 'otel.metric.overflow', value: { boolValue: true } }];
    assert.deepEqual(checkAgainstRegistry([openedWith({ asInt: '1', attributes })]), []);
  });
  test("other people's telemetry is passed over", () => {
    const scope = { name: '@opentelemetry/instrumentation-http', version: '1.0.0' };
    const metric = { name: 'http.client.duration', unit: 'ms', gauge: { dataPoints: [] } };
    assert.deepEqual(checkAgainstRegistry([metricLine(scope, metric), spanLine({ name: 'GET' }, scope)]), []);
  });
});

describe('telemetry that differs', () => {
  const cases: Record<string, [OtlpLine, RegExp]> = {
    'unknown metric': [
      metricLine(scopeOf('tcp'), { ...goodRtt, name: 'wirespan.tcp.rtts' }),
      /rtts is not in the registry/,
    ],
    'metric in another scope': [metricLine(scopeOf('packet'), goodRtt), /is in the scope wirespan\/packet/],
    'our name in a foreign scope': [metricLine({ name: 'app' }, goodRtt), /is in the scope app/],
    'unknown scope': [
      metricLine({ name: 'wirespan/udp', version: VERSION }),
      /scope wirespan\/udp is unknown/,
    ],
    'scope version': [metricLine({ name: 'wirespan/tcp', version: '9.9.9' }, goodRtt), /has version 9\.9\.9/],
    unit: [metricLine(scopeOf('tcp'), { ...goodRtt, unit: 'ms' }), /has the unit "ms", not "s"/],
    description: [metricLine(scopeOf('tcp'), { ...goodRtt, description: 'Other.' }), /another description/],
    kind: [
      metricLine(scopeOf('tcp'), { ...goodOpened, sum: { ...goodOpened.sum, isMonotonic: false } }),
      /exported as a updowncounter, not as a counter/,
    ],
    'value type': [openedWith({ attributes: openedPoint?.attributes, asDouble: 3 }), /not exported as int/],
    'negative counter': [openedWith({ ...openedPoint, asInt: '-1' }), /below zero/],
    'same series twice': [
      openedWith({ ...openedPoint }, { ...openedPoint }),
      /two points with the same attributes/,
    ],
    boundaries: [rttWith({ explicitBounds: [0, 5, 10] }), /other boundaries/],
    buckets: [rttWith({ bucketCounts: ['1', '1'] }), /has 2 buckets/],
    'bucket sum': [rttWith({ count: '99' }), /the count is 99/],
    'unregistered attribute': [
      openedWithAttributes((all) => [...all, { key: 'process.pid', value: { intValue: '1' } }]),
      /process\.pid, which is not registered/,
    ],
    'attribute twice': [openedWithAttributes((all) => [...all, ...all.slice(0, 1)]), /twice/],
    'attribute type': [
      openedWithAttributes((all) =>
        all.map((item) => (item.key === 'server.port' ? { ...item, value: { stringValue: '443' } } : item)),
      ),
      /server\.port is no int/,
    ],
    'enum value': [
      openedWithAttributes((all) =>
        all.map((item) => (item.key === 'network.type' ? { ...item, value: { stringValue: 'IPv4' } } : item)),
      ),
      /network\.type has the unregistered value IPv4/,
    ],
    'unknown span': [spanLine({ name: 'tcp dial' }), /span tcp dial is not in the registry/],
    'span name': [spanLine({ name: 'tcp connect 80' }), /is called "tcp connect 443"/],
    'span kind': [spanLine({ kind: 3 }), /has kind 3/],
    'span status': [spanLine({ status: {} }), /error\.type goes with status Error/],
    'span times': [spanLine({ endTimeUnixNano: '1' }), /ends before it starts/],
    'span without required attribute': [
      spanLine({ name: 'tcp connect', attributes: [], status: {} }),
      /lacks network\.type/,
    ],
    'unknown event': [
      eventLine({ eventName: 'wirespan.tcp.lost' }),
      /wirespan\.tcp\.lost is not in the registry/,
    ],
    severity: [eventLine({ severityNumber: 17 }), /has severity 17/],
    'severity text': [eventLine({ severityText: 'INFO' }), /severity text/],
    'correlation without context': [eventLine({ traceId: '', spanId: '' }), /no trace context/],
  };
  for (const [name, [line, expected]] of Object.entries(cases)) {
    test(name, () => {
      const found = checkAgainstRegistry([line]);
      assert.ok(
        found.some((violation) => expected.test(violation)),
        JSON.stringify(found),
      );
    });
  }
  test('the same violation is named once', () => {
    const line = metricLine(scopeOf('tcp'), { ...goodRtt, unit: 'ms' });
    assert.equal(checkAgainstRegistry([line, line]).length, 1);
  });
});
