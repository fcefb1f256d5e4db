#!/usr/bin/env bash
# What: attributes whose names differ in a dot cost all of a service's metrics in Prometheus, or one of two counts.
#   @opentelemetry/exporter-prometheus 0.301.0 writes "http.route" and "http_route" of one point as the label http_route, twice (stringify()), and
#   Prometheus refuses a page with such a line whole. opentelemetry-exporter-prometheus 0.66b2 keeps the last of the two
#   (_collect_data_points()). Of two points that differ in the dot alone both write one series twice, and Prometheus
#   takes the first of them. OpenTelemetry's specification asks to join such values with ";", as Go's exporter 0.69.0 does. Neither logs it.
# Seen, scraped by Prometheus 2.42 of Debian 12 (and by 3.16, the same): JavaScript, both names in one point: up 0, and no metric of
#   the service; Python "/b" without a word of "/a". Points of 5 and 7: 5 in both.
# Why it matters here: a service that moves from one convention of names to the other writes both for a while. Then it is down for
#   Prometheus, while wirespan shows its connections.
# Needs Node, Python 3, and apt-get with Debian 12's lists.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
npm init -y > /dev/null
npm install --silent --ignore-scripts --no-audit --no-fund \
  @opentelemetry/api@1.10.0 @opentelemetry/sdk-metrics@3.1.0 @opentelemetry/exporter-prometheus@0.301.0
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check opentelemetry-sdk==1.45.2 opentelemetry-exporter-prometheus==0.66b2
apt-get download 'prometheus=2.42.0*' > apt.log 2>&1
dpkg -x prometheus_*.deb .
cat > serve.cjs <<'JS'
const { PrometheusExporter } = require('@opentelemetry/exporter-prometheus');
const { MeterProvider } = require('@opentelemetry/sdk-metrics');
const http = require('node:http');

const exporter = new PrometheusExporter({ preventServerStart: true });
const meter = new MeterProvider({ readers: [exporter] }).getMeter('m');
meter.createCounter('other').add(1);
for (const { value, attributes } of JSON.parse(process.argv[2])) meter.createCounter('asked').add(value, attributes);
const server = http.createServer((request, response) => exporter.getMetricsRequestHandler(request, response));
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
JS
cat > serve.py <<'PYTHON'
import json
import sys

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import start_http_server

meter = MeterProvider([PrometheusMetricReader()]).get_meter("m")
meter.create_counter("other").add(1)
asked = meter.create_counter("asked")
for point in json.loads(sys.argv[1]):
    asked.add(point["value"], point["attributes"])
server, thread = start_http_server(0, "127.0.0.1")
print(server.server_port, flush=True)
thread.join()
PYTHON
cat > scrape.py <<'PYTHON'
import json
import socket
import subprocess
import time
import urllib.parse
import urllib.request

CASES = {
    "ordinary": [{"value": 5, "attributes": {"http.route": "/a"}}],
    "two names in one point": [{"value": 5, "attributes": {"http.route": "/a", "http_route": "/b"}}],
    "two points": [{"value": 5, "attributes": {"http.route": "/a"}}, {"value": 7, "attributes": {"http_route": "/a"}}],
}
servers = {"javascript": ["node", "serve.cjs"], "python": ["venv/bin/python", "serve.py"]}
with socket.create_server(("127.0.0.1", 0)) as free:
    address = "127.0.0.1:%d" % free.getsockname()[1]
started, jobs = [], []


def query(expression):
    url = f"http://{address}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
    return [(row["metric"], float(row["value"][1])) for row in json.load(urllib.request.urlopen(url))["data"]["result"]]


try:
    for what, points in CASES.items():
        for language, command in servers.items():
            server = subprocess.Popen([*command, json.dumps(points)], stdout=subprocess.PIPE, text=True)
            started.append(server)
            target = f"127.0.0.1:{int(server.stdout.readline())}"
            jobs.append({"job_name": f"{language}, {what}", "static_configs": [{"targets": [target]}]})
    with open("prometheus.yml", "w") as config:
        json.dump({"global": {"scrape_interval": "1s"}, "scrape_configs": jobs}, config)
    prometheus = ["usr/bin/prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data"]
    started.append(subprocess.Popen([*prometheus, f"--web.listen-address={address}"], stderr=open("prometheus.log", "w")))
    for _ in range(300):
        time.sleep(0.1)
        try:
            # Every target was scraped three times.
            if len(query("count_over_time(up[1h]) >= 3")) == len(jobs):
                break
        except OSError:
            continue
    for job in (each["job_name"] for each in jobs):
        selected = json.dumps(job)
        up = query(f"up{{job={selected}}}")[0][1]
        other = len(query(f"other_total{{job={selected}}}"))
        asked = [f"{labels['http_route']} {value:g}" for labels, value in query(f"asked_total{{job={selected}}}")]
        print(f"{job}: up {up:g}, other {other}, asked {asked}")
finally:
    for process in started:
        process.terminate()
        process.wait()
PYTHON
python3 scrape.py | tee seen
diff seen - <<'SEEN'
javascript, ordinary: up 1, other 1, asked ['/a 5']
python, ordinary: up 1, other 1, asked ['/a 5']
javascript, two names in one point: up 0, other 0, asked []
python, two names in one point: up 1, other 1, asked ['/b 5']
javascript, two points: up 1, other 1, asked ['/a 5']
python, two points: up 1, other 1, asked ['/a 5']
SEEN
