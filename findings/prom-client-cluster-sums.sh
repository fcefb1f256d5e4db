#!/usr/bin/env bash
# What: the page of a Node cluster counts anew what its other workers counted when one of them ends, and adds up their percentiles.
#   prom-client 15.1.3. AggregatorRegistry.clusterMetrics() asks the workers that are there and adds up what each has
#   (metricAggregators.js): what a worker counted goes with it, and the sum falls. For Prometheus a counter that falls began again at 0, so
#   all that is left of it is new. Summaries are added up quantile by quantile.
# Seen: four workers, 1,000 requests each, 20 ms each: 4000, and a p99 of 0.08 s. One ends, and the others get ten more: 3010. Prometheus
#   2.42's increase() of the two: 3010, of 10 requests.
# Why it matters here: whoever recycles workers has peaks of requests that nobody sent, in no connection of wirespan's; and a p99 that
#   grows with the number of workers, beside round-trip times that do not.
# Needs Node, and apt-get with Debian 12's lists.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
npm init -y > /dev/null
npm install --silent --ignore-scripts --no-audit --no-fund prom-client@15.1.3
apt-get download 'prometheus=2.42.0*' > apt.log 2>&1
dpkg -x prometheus_*.deb .
cat > cluster.cjs <<'JS'
const cluster = require('node:cluster');
const { once } = require('node:events');
const { writeFileSync } = require('node:fs');
const { AggregatorRegistry, Counter, Summary } = require('prom-client');

async function primary() {
  const registry = new AggregatorRegistry();
  const workers = Array.from({ length: 4 }, () => cluster.fork());
  const ask = async (worker, count) => {
    worker.send({ count });
    await once(worker, 'message');
  };
  const show = async (when) => {
    const page = await registry.clusterMetrics();
    const asked = Number(page.match(/^asked_total (.*)/m)[1]);
    console.log(`${when}: asked ${asked}, p99 ${page.match(/^took\{quantile="0.99"\} (.*)/m)[1]}`);
    return asked;
  };
  await Promise.all(workers.map((worker) => ask(worker, 1000)));
  const before = await show('four workers');
  workers[0].kill();
  await once(workers[0], 'exit');
  await ask(workers[1], 10);
  const after = await show('three workers, 10 more');
  // What promtool is to find: only a counter that began again makes it the whole second value.
  writeFileSync('rules.json', JSON.stringify({
    evaluation_interval: '1m',
    tests: [{
      interval: '1m',
      input_series: [{ series: 'asked_total', values: `${before} ${after}` }],
      promql_expr_test: [{ expr: 'increase(asked_total[1m])', eval_time: '1m', exp_samples: [{ labels: '{}', value: after }] }],
    }],
  }));
  process.exit();
}
function worker() {
  const asked = new Counter({ name: 'asked_total', help: 'Requests.' });
  const took = new Summary({ name: 'took', help: 'Seconds.', percentiles: [0.99] });
  process.on('message', ({ count }) => {
    if (!count) return;
    for (let i = 0; i < count; i++) {
      asked.inc();
      took.observe(0.02);
    }
    process.send('counted');
  });
  new AggregatorRegistry();
}
if (cluster.isPrimary) primary();
else worker();
JS
node cluster.cjs | tee seen
usr/bin/promtool test rules rules.json > promtool.log
echo "increase() is what the three have" | tee -a seen
diff seen - <<'SEEN'
four workers: asked 4000, p99 0.08
three workers, 10 more: asked 3010, p99 0.06
increase() is what the three have
SEEN
