#!/usr/bin/env bash
# What: the peer that two HTTP clients for Python tell of in their spans is not who the connection is with.
#   opentelemetry-instrumentation-requests 0.66b2 (instrumented_send()) and opentelemetry-instrumentation-httpx 0.66b2
#   (_apply_request_client_attributes_to_span()), with requests 2.34.2 and httpx 0.28.1, set network.peer.address and .port to the host and
#   the port of the URL, before there is a connection (where OTEL_SEMCONV_STABILITY_OPT_IN asks for these names). By OpenTelemetry's
#   conventions they are the address and port of the connection's other end; the URL's are server.address and .port. Through a proxy they
#   are another host's; else the address is a name, and without a port in the URL there is none. @opentelemetry/instrumentation-http
#   0.301.0 for Node takes them from the socket.
# Seen: one request through a proxy on 127.0.0.1, for a host that only the proxy knows, and one straight to "localhost". requests and httpx:
#   the host and its port, and "localhost" with its port. Node: 127.0.0.1 with the proxy's port, and with the server's.
# Why it matters here: wirespan has network.peer.address of the same connections from the kernel. Joined by it, spans of these clients find
#   nothing, and those behind a proxy tell of a connection to a host that nobody had.
# Needs Node and Python 3.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --ignore-scripts --no-audit --no-fund \
  @opentelemetry/api@1.10.0 @opentelemetry/sdk-trace@3.1.1 @opentelemetry/instrumentation-http@0.301.0
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check opentelemetry-sdk==1.45.2 requests==2.34.2 httpx==0.28.1 \
  opentelemetry-instrumentation-requests==0.66b2 opentelemetry-instrumentation-httpx==0.66b2
cat > peers.py <<'PY'
import http.server
import os
import subprocess
import threading

os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] = "http"

import httpx
import requests
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


class Answer(http.server.BaseHTTPRequestHandler):
    """Answers what is asked of it, and of others through it, alike."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
threading.Thread(target=server.serve_forever, daemon=True).start()
port = str(server.server_port)
proxy = f"http://127.0.0.1:{port}"
far = "http://orders.example:8080/"
near = f"http://localhost:{port}/"
exporter = InMemorySpanExporter()
tracers = TracerProvider()
tracers.add_span_processor(SimpleSpanProcessor(exporter))
RequestsInstrumentor().instrument(tracer_provider=tracers)
HTTPXClientInstrumentor().instrument(tracer_provider=tracers)


def show(client, by_proxy, straight):
    print(f"{client}: by proxy {by_proxy}, straight {straight}".replace(port, "PORT"))


def peers():
    spans = [span.attributes for span in exporter.get_finished_spans()]
    exporter.clear()
    return [f"{span.get('network.peer.address')} {span.get('network.peer.port')}" for span in spans]


with requests.Session() as session:
    session.trust_env = False
    session.get(far, proxies={"http": proxy}).raise_for_status()
    session.get(near).raise_for_status()
show("requests", *peers())
with httpx.Client(proxy=proxy, trust_env=False) as client:
    client.get(far).raise_for_status()
with httpx.Client(trust_env=False) as client:
    client.get(near).raise_for_status()
show("httpx", *peers())
node = subprocess.run(["node", "peers.cjs", port, far, near], check=True, capture_output=True, text=True)
show("node", *node.stdout.splitlines())
PY
cat > peers.cjs <<'JS'
const { TracerProvider, InMemorySpanExporter, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');

const exporter = new InMemorySpanExporter();
const instrumentation = new HttpInstrumentation();
const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
instrumentation.setTracerProvider(provider);
const http = require('http');
const [port, far, near] = process.argv.slice(2);
const get = (...of) => new Promise((done, fail) => http.get(...of, answer => answer.resume().on('end', done)).on('error', fail));

(async () => {
  await get({ host: '127.0.0.1', port, path: far, headers: { host: new URL(far).host } });
  await get(near);
  await provider.forceFlush();
  for (const { attributes } of exporter.getFinishedSpans())
    console.log(`${attributes['network.peer.address']} ${attributes['network.peer.port']}`);
  process.exit();
})();
JS
OTEL_SEMCONV_STABILITY_OPT_IN=http timeout 60 venv/bin/python peers.py | tee seen
diff seen - <<'SEEN'
requests: by proxy orders.example 8080, straight localhost PORT
httpx: by proxy orders.example 8080, straight localhost PORT
node: by proxy 127.0.0.1 PORT, straight 127.0.0.1 PORT
SEEN
