#!/usr/bin/env bash
# What: with two pools of PostgreSQL connections in a Node process the counts of both are wrong for good, also below zero.
#   @opentelemetry/instrumentation-pg 0.77.0 with pg 8.23.1 and pg-pool 3.14.0. At each event of a pool updateCounter() adds to that pool's
#   db.client.connection.count what changed since the last event, and keeps what it saw last once for the process, not for each pool
#   (_connectionsCounter): after an event of another pool the difference is that of two pools. And pg-pool tells of a client that is given
#   back before it is idle (_release()), so that of one pool, too, the last one stays in use until something else happens.
# Seen: one pool, its 3 connections given back: told 1 in use. A primary with 3 connections and a replica with 5, all in use: told 3 and 2.
#   All given back, idle 3 and 5: told -1 and 2 in use, 2 and 2 idle: 5 connections in the metric, 8 open.
# Why it matters here: a service with a pool for writing and one for reading is common; its counts are not those that wirespan has of the
#   same sockets, and a leak of connections is there or not by the order in which the pools were used.
# Needs Node.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --ignore-scripts --no-audit --no-fund \
  @opentelemetry/api@1.10.0 @opentelemetry/sdk-metrics@3.1.1 @opentelemetry/instrumentation-pg@0.77.0 pg@8.23.1 pg-pool@3.14.0
cat > pools.cjs <<'JS'
const { once } = require('node:events');
const { createServer } = require('node:net');
const { PgInstrumentation } = require('@opentelemetry/instrumentation-pg');
const {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} = require('@opentelemetry/sdk-metrics');

const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1e9, exportTimeoutMillis: 1e9 });
const provider = new MeterProvider({ readers: [reader] });
new PgInstrumentation().setMeterProvider(provider);
const { Pool } = require('pg');

// What a server says to a client that has to prove nothing: authenticated, ready.
const READY = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49]);

async function open(database) {
  const server = createServer((socket) => socket.once('data', () => socket.write(READY)));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return new Pool({ host: '127.0.0.1', port: server.address().port, user: 'shop', database, max: 10 });
}

function take(pool, count) {
  return Promise.all(Array.from({ length: count }, () => pool.connect()));
}

async function show(when, pools) {
  await provider.forceFlush();
  const { metrics } = exporter.getMetrics().at(-1).scopeMetrics[0];
  const { dataPoints } = metrics.find(({ descriptor }) => descriptor.name === 'db.client.connection.count');
  for (const [database, pool] of Object.entries(pools)) {
    const told = (state) =>
      dataPoints.find(
        ({ attributes }) =>
          attributes['db.client.connection.pool.name'].endsWith(`/${database}`) &&
          attributes['db.client.connection.state'] === state,
      ).value;
    const used = pool.totalCount - pool.idleCount;
    console.log(`${when}, ${database}: used ${used}, told ${told('used')}; idle ${pool.idleCount}, told ${told('idle')}`);
  }
}

(async () => {
  const alone = process.argv[2] === 'alone';
  const primary = await open('primary');
  const replica = alone ? undefined : await open('replica');
  const pools = alone ? { primary } : { primary, replica };
  const ofPrimary = await take(primary, 3);
  const ofReplica = alone ? [] : await take(replica, 5);
  await show('all in use', pools);
  for (const client of ofPrimary) client.release();
  await show("primary's given back", pools);
  for (const client of ofReplica) client.release();
  if (!alone) await show('all given back', pools);
  process.exit();
})();
JS
for pools in alone both; do
  echo "$pools"
  node pools.cjs "$pools"
done | tee seen
diff seen - <<'SEEN'
alone
all in use, primary: used 3, told 3; idle 0, told 0
primary's given back, primary: used 0, told 1; idle 3, told 2
both
all in use, primary: used 3, told 3; idle 0, told 0
all in use, replica: used 5, told 2; idle 0, told 0
primary's given back, primary: used 0, told -1; idle 3, told 2
primary's given back, replica: used 5, told 2; idle 0, told 0
all given back, primary: used 0, told -1; idle 3, told 2
all given back, replica: used 0, told 2; idle 5, told 2
SEEN
