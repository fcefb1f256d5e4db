#!/usr/bin/env bash
# What: the OTLP/HTTP exporters for Python take every redirect for a delivery.
#   opentelemetry-exporter-otlp-proto-http 1.45.2 follows no redirect and counts each status from 200 to 399 as a
#   success. An ingress that sends plain HTTP to its https address (301, 302, 307, 308, all usual) is never followed: the
#   request ends there, export() says SUCCESS, and nothing is in the log.
# Seen: one span exported at each status: SUCCESS four times, arrived 0 four times, log empty.
# Why it matters here: a service below whose spans wirespan puts network events may lose every span without a
#   word, and its traces then hold the events alone.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  opentelemetry-sdk==1.45.2 opentelemetry-exporter-otlp-proto-http==1.45.2
cat > "$folder/redirect.py" <<'PYTHON'
import io
import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider

status = 301
arrived = 0


class Ingress(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, code, location=None):
        self.send_response(code)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        self.answer(200)

    def do_POST(self):
        global arrived
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/old":
            self.answer(status, f"http://127.0.0.1:{server.server_port}/v1/traces")
            return
        request = ExportTraceServiceRequest.FromString(body)
        arrived += sum(len(s.spans) for r in request.resource_spans for s in r.scope_spans)
        self.answer(200)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Ingress)
threading.Thread(target=server.serve_forever, daemon=True).start()
log = io.StringIO()
logging.basicConfig(stream=log, level=logging.WARNING)
span = TracerProvider().get_tracer("finding").start_span("request")
span.end()
seen = []
for status in (301, 302, 307, 308):
    arrived = 0
    exporter = OTLPSpanExporter(endpoint=f"http://127.0.0.1:{server.server_port}/old", timeout=5)
    result = exporter.export([span])
    seen.append(f"{status} {result.name} arrived {arrived}")
    exporter.shutdown()
server.shutdown()
print("\n".join(seen))
print(f"log: {log.getvalue()!r}")
PYTHON
"$folder/venv/bin/python" "$folder/redirect.py" | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
301 SUCCESS arrived 0
302 SUCCESS arrived 0
307 SUCCESS arrived 0
308 SUCCESS arrived 0
log: ''
SEEN
