#!/usr/bin/env bash
# What: of four HTTP clients for Python one has the body of the answer in its span and in its request duration; three end with the head.
#   opentelemetry-instrumentation-requests, -httpx, -aiohttp-client and -urllib 0.66b1, with requests 2.34.2, httpx 0.28.1, aiohttp 3.14.5 and
#   Python's own urllib. requests is wrapped at Session.send(), which reads the body unless it is to stream (instrumented_send()); httpx at its
#   transport, and the client reads the body from what that returns (_handle_request_wrapper()); aiohttp ends its trace when the head is there
#   (on_request_end()); urllib when OpenerDirector.open() returns.
# Seen: a server sends the head at once and the body two seconds later; each call takes as long, `httpx.get()` too, which reads all before it returns.
#   Spans and http.client.request.duration of httpx, aiohttp and urllib end before the server has sent the body, those of requests after it.
# Why it matters here: a slow or lossy download is in the duration of one client and in none of the others', so a service that changes from requests
#   to httpx gets fast by it. wirespan's `tcp exchange` lasts until the last byte, and so is longer than such a span that it is below.
# Needs Python 3.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check opentelemetry-sdk==1.45.1 opentelemetry-instrumentation-requests==0.66b1 \
  opentelemetry-instrumentation-httpx==0.66b1 opentelemetry-instrumentation-aiohttp-client==0.66b1 opentelemetry-instrumentation-urllib==0.66b1 \
  requests==2.34.2 httpx==0.28.1 aiohttp==3.14.5
cat > clients.py <<'PY'
import asyncio
import os
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] = "http"

import aiohttp
import httpx
import requests
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.urllib import URLLibInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

HELD = 2
sent_at = []


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.flush()
        time.sleep(HELD)
        sent_at.append(time.time_ns())
        self.wfile.write(b"done")

    def log_message(self, *args):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/"


async def by_aiohttp():
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return await answer.read()


def by_urllib():
    with urllib.request.urlopen(url) as answer:
        return answer.read()


CLIENTS = {
    "requests": (RequestsInstrumentor, lambda: requests.get(url).content),
    "httpx": (HTTPXClientInstrumentor, lambda: httpx.get(url).content),
    "aiohttp": (AioHttpClientInstrumentor, lambda: asyncio.run(by_aiohttp())),
    "urllib": (URLLibInstrumentor, by_urllib),
}
for name, (Instrumentor, ask) in CLIENTS.items():
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    Instrumentor().instrument(tracer_provider=tracers, meter_provider=MeterProvider([reader]))
    began = time.monotonic()
    assert ask() == b"done"
    assert time.monotonic() - began >= HELD
    Instrumentor().uninstrument()
    [span] = exporter.get_finished_spans()
    scopes = [scope for resource in reader.get_metrics_data().resource_metrics for scope in resource.scope_metrics]
    [duration] = [metric for scope in scopes for metric in scope.metrics if metric.name == "http.client.request.duration"]
    [point] = duration.data.data_points
    ends = "after" if span.end_time > sent_at[-1] else "before"
    length = f"less than {HELD} s" if point.sum < HELD else f"{HELD} s or more"
    print(f"{name}: the span ends {ends} the body is sent; the duration is {length}")
PY
timeout 60 venv/bin/python clients.py | tee seen
diff seen - <<'SEEN'
requests: the span ends after the body is sent; the duration is 2 s or more
httpx: the span ends before the body is sent; the duration is less than 2 s
aiohttp: the span ends before the body is sent; the duration is less than 2 s
urllib: the span ends before the body is sent; the duration is less than 2 s
SEEN
