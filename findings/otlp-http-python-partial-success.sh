#!/usr/bin/env bash
# What: the OTLP/HTTP exporters for Python do not read what the collector answers.
#   opentelemetry-exporter-otlp-proto-http 1.45.2. A collector that takes a request in part answers 200 with
#   partial_success (how many it rejected, and why); the OTLP specification asks clients to say so. Spans and metrics
#   come back as SUCCESS, with nothing in the log at any level, also when all of them were rejected.
# Seen: rejected 1 of 1 span: SUCCESS; rejected 1 of 1 point: SUCCESS; words of the collector in the log: 0.
# Why it matters here: spans that a back end refuses are missing from a trace whose network events arrived.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  opentelemetry-sdk==1.45.2 opentelemetry-exporter-otlp-proto-http==1.45.2
cat > "$folder/partial.py" <<'PYTHON'
import io
import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider

WHY = "attribute limit of the tenant"


class Collector(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/v1/traces":
            answer = ExportTraceServiceResponse()
            answer.partial_success.rejected_spans = 1
        else:
            answer = ExportMetricsServiceResponse()
            answer.partial_success.rejected_data_points = 1
        answer.partial_success.error_message = WHY
        body = answer.SerializeToString()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
threading.Thread(target=server.serve_forever, daemon=True).start()
log = io.StringIO()
logging.basicConfig(stream=log, level=logging.DEBUG)
origin = f"http://127.0.0.1:{server.server_port}"
span = TracerProvider().get_tracer("finding").start_span("request")
span.end()
reader = InMemoryMetricReader()
MeterProvider([reader]).get_meter("finding").create_counter("requests").add(1)
print("rejected 1 of 1 span:", OTLPSpanExporter(endpoint=f"{origin}/v1/traces").export([span]).name)
metrics = OTLPMetricExporter(endpoint=f"{origin}/v1/metrics").export(reader.get_metrics_data())
print("rejected 1 of 1 point:", metrics.name)
print("words of the collector in the log:", log.getvalue().count(WHY))
server.shutdown()
PYTHON
"$folder/venv/bin/python" "$folder/partial.py" | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
rejected 1 of 1 span: SUCCESS
rejected 1 of 1 point: SUCCESS
words of the collector in the log: 0
SEEN
