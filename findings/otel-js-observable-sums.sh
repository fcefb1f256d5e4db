#!/usr/bin/env bash
# What: observable counters of the JavaScript SDK are not added up where their attribute sets become one: the last one observed is
#   taken for all of them.
#   @opentelemetry/sdk-metrics 3.1.1. A view that leaves out an attribute sets each value in the place of the one before
#   (AsyncMetricStorage.record()); series beyond the limit, 2,000 by default, are told one after the other as if they were
#   one counter (DeltaMetricProcessor.batchCumulate()), and each step down from one to the next is a restart of it.
#   Python's SDK 1.45.2 adds up in both places, and so does Go's 1.47.0, by the same rows. Nothing is logged.
# Seen: five processors of 500 to 100 seconds, without the attribute cpu: 100 (Python 1500). 2,010 series of 1 to 2010 that never
#   change, deltas of the series of those beyond the limit: 2010, and 2010 again at each collection (in the opposite order 1 and 1
#   again), though nothing was counted any more. Python 20055 (55), and then 0.
# Why it matters here: an application's own bytes or connections by endpoint, with a view or a limit against too many series, are
#   not what wirespan counts beside them.
# Needs Node and Python 3.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --ignore-scripts --no-audit --no-fund @opentelemetry/sdk-metrics@3.1.1 @opentelemetry/api@1.10.0
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check opentelemetry-sdk==1.45.2
cat > sums.cjs <<'JS'
const { diag, DiagConsoleLogger } = require('@opentelemetry/api');
const metrics = require('@opentelemetry/sdk-metrics');

diag.setLogger(new DiagConsoleLogger());
class Reader extends metrics.MetricReader {
  onShutdown() {}
  onForceFlush() {}
}

async function show(what, rows, isWanted, views) {
  const reader = new Reader({ aggregationTemporalitySelector: () => metrics.AggregationTemporality.DELTA });
  const meter = new metrics.MeterProvider({ readers: [reader], views }).getMeter('m');
  meter.createObservableCounter('c').addCallback((result) => {
    for (const [attributes, value] of rows) result.observe(value, attributes);
  });
  const values = [];
  for (let i = 0; i < 3; i++) {
    const { dataPoints } = (await reader.collect()).resourceMetrics.scopeMetrics[0].metrics[0];
    values.push(dataPoints.find(({ attributes }) => isWanted(attributes)).value);
  }
  console.log(`javascript, ${what}:`, ...values);
}

async function main() {
  const view = { instrumentName: '*', attributesProcessors: [metrics.createAllowListAttributesProcessor(['state'])] };
  const cpus = [500, 400, 300, 200, 100].map((value, cpu) => [{ cpu, state: 'user' }, value]);
  await show('view', cpus, ({ state }) => state, [view]);
  const peers = Array.from({ length: 2010 }, (_, i) => [{ peer: i }, i + 1]);
  await show('limit', peers, (attributes) => attributes['otel.metric.overflow']);
  await show('limit, in the opposite order', peers.reverse(), (attributes) => attributes['otel.metric.overflow']);
}
main();
JS
cat > sums.py <<'PYTHON'
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import MeterProvider, ObservableCounter
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.metrics.view import View


def show(what, rows, wanted, views=()):
    reader = InMemoryMetricReader(preferred_temporality={ObservableCounter: AggregationTemporality.DELTA})
    meter = MeterProvider([reader], views=views).get_meter("m")
    meter.create_observable_counter("c", [lambda _: [Observation(value, attributes) for attributes, value in rows]])
    values = []
    for _ in range(3):
        points = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics[0].data.data_points
        values += [point.value for point in points if wanted in point.attributes]
    print(f"python, {what}:", *values)


cpus = [({"cpu": cpu, "state": "user"}, value) for cpu, value in enumerate([500, 400, 300, 200, 100])]
show("view", cpus, "state", [View(instrument_name="*", attribute_keys={"state"})])
peers = [({"peer": i}, i + 1) for i in range(2010)]
show("limit", peers, "otel.metric.overflow")
show("limit, in the opposite order", peers[::-1], "otel.metric.overflow")
PYTHON
{ node sums.cjs; venv/bin/python sums.py; } 2>&1 | tee seen
diff seen - <<'SEEN'
javascript, view: 100 0 0
javascript, limit: 2010 2010 2010
javascript, limit, in the opposite order: 1 1 1
python, view: 1500 0 0
python, limit: 20055 0 0
python, limit, in the opposite order: 55 0 0
SEEN
