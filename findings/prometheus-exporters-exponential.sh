#!/usr/bin/env bash
# What: one exponential histogram leaves the pages of the OpenTelemetry SDKs' Prometheus exporters without its values (JavaScript), or
#   without any (Python).
#   @opentelemetry/exporter-prometheus 0.301.0 knows no such kind: the name is there as "untyped", with no sample (PrometheusSerializer), and
#   only the SDK's own log, which goes nowhere until one sets it, is told. opentelemetry-exporter-prometheus 0.66b2 takes its points
#   for numbers (_collect_data_points()), and the page is an error, at every scrape. Go's exporter makes a native histogram of it.
# Seen: a counter and a histogram, with a view that makes the histogram exponential. JavaScript: 200, the counter's sample, none of the
#   histogram's. Python: 500 and no sample. With explicit buckets both have both.
# Why it matters here: the view is what one sets to have latencies from microseconds to minutes without choosing buckets; with
#   Prometheus it costs them, or all of the service's metrics beside wirespan's.
# Needs Node and Python 3.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --ignore-scripts --no-audit --no-fund \
  @opentelemetry/api@1.10.0 @opentelemetry/sdk-metrics@3.1.0 @opentelemetry/exporter-prometheus@0.301.0
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check opentelemetry-sdk==1.45.2 opentelemetry-exporter-prometheus==0.66b2
cat > page.cjs <<'JS'
const { PrometheusExporter } = require('@opentelemetry/exporter-prometheus');
const { AggregationType, MeterProvider } = require('@opentelemetry/sdk-metrics');
const http = require('node:http');

async function show(type) {
  const exporter = new PrometheusExporter({ preventServerStart: true });
  const provider = new MeterProvider({ readers: [exporter], views: [{ instrumentName: 'took', aggregation: { type } }] });
  provider.getMeter('m').createCounter('asked').add(1);
  provider.getMeter('m').createHistogram('took').record(3);
  const server = http.createServer((request, response) => exporter.getMetricsRequestHandler(request, response));
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const answer = await fetch(`http://127.0.0.1:${server.address().port}`);
  const page = await answer.text();
  const [asked, took] = [/^asked_total\{/gm, /^took\w*\{/gm].map((sample) => page.match(sample)?.length ?? 0);
  console.log(`javascript, ${AggregationType[type].toLowerCase()}: ${answer.status}, asked ${asked > 0}, took ${took > 0}`);
  server.close();
}
show(AggregationType.EXPLICIT_BUCKET_HISTOGRAM).then(() => show(AggregationType.EXPONENTIAL_HISTOGRAM)).then(() => process.exit());
JS
cat > page.py <<'PYTHON'
import re
import sys
import urllib.error
import urllib.request

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, ExponentialBucketHistogramAggregation, View
from prometheus_client import start_http_server

kinds = {"explicit": ExplicitBucketHistogramAggregation, "exponential": ExponentialBucketHistogramAggregation}
view = View(instrument_name="took", aggregation=kinds[sys.argv[1]]())
meter = MeterProvider([PrometheusMetricReader()], views=[view]).get_meter("m")
meter.create_counter("asked").add(1)
meter.create_histogram("took").record(3)
server, thread = start_http_server(0, "127.0.0.1")
try:
    answer = urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/metrics")
except urllib.error.HTTPError as error:
    answer = error
page = answer.read().decode()
asked, took = (bool(re.search(sample, page, re.M)) for sample in (r"^asked_total\{", r"^took\w*\{"))
print(f"python, {sys.argv[1]}: {answer.status}, asked {asked}, took {took}".replace("True", "true").replace("False", "false"))
server.shutdown()
PYTHON
{
  node page.cjs
  for kind in explicit exponential; do venv/bin/python page.py "$kind" 2> /dev/null; done
} | tee seen
diff seen - <<'SEEN'
javascript, explicit_bucket_histogram: 200, asked true, took true
javascript, exponential_histogram: 200, asked true, took false
python, explicit: 200, asked true, took true
python, exponential: 500, asked false, took false
SEEN
