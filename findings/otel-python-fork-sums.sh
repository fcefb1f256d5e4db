#!/usr/bin/env bash
# What: a Python process that forks has what it counted counted again by each of its children.
#   opentelemetry-sdk 1.45.2. After a fork the SDK gives the child an instance id of its own (MeterProvider._handle_fork()) and starts the
#   exporting thread again (PeriodicExportingMetricReader._at_fork_reinit()), but leaves it the sums and histograms of its parent, start time
#   included. For a back end that is another process which did the same. Spans are right: the queue is emptied in the child (BatchProcessor).
# Seen: a process counts 1,000 requests and then forks four workers, which count one each. Cumulative: five instances with 1000, 1001, 1001,
#   1001 and 1001: 5004 of 1,004. Deltas: the same for what was counted since the last export. Spans: 5 of 5.
# Why it matters here: multiprocessing and its pools fork on Linux (until Python 3.13 unless told otherwise), in the middle of serving; what
#   an application counts then grows with each worker that it starts, while wirespan has the connections that there were.
# Needs Python 3 on Linux.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check opentelemetry-sdk==1.45.2
cat > workers.py <<'PY'
import multiprocessing
import sys

from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricExporter, MetricExportResult, PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

# What arrives at the back end, from all processes.
arrived = multiprocessing.get_context("fork").SimpleQueue()


class Points(MetricExporter):
    def export(self, metrics_data, timeout_millis=10_000, **_):
        for resource in metrics_data.resource_metrics:
            instance = resource.resource.attributes["service.instance.id"]
            for metric in resource.scope_metrics[0].metrics:
                for point in metric.data.data_points:
                    arrived.put((instance, metric.name, getattr(point, "value", None) or point.count))
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis=10_000):
        return True

    def shutdown(self, timeout_millis=10_000, **_):
        pass


class Spans(SpanExporter):
    def export(self, spans):
        for span in spans:
            arrived.put((None, "spans", 1))
        return SpanExportResult.SUCCESS


temporality = AggregationTemporality[sys.argv[1].upper()]
exporter = Points(preferred_temporality={Counter: temporality, Histogram: temporality})
meters = MeterProvider([PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)])
tracers = TracerProvider()
tracers.add_span_processor(BatchSpanProcessor(Spans(), schedule_delay_millis=3_600_000))
requests = meters.get_meter("m").create_counter("requests")
took = meters.get_meter("m").create_histogram("took")


def serve(times):
    for _ in range(times):
        requests.add(1)
        took.record(0.1)
    tracers.get_tracer("t").start_span("serve").end()


def work():
    serve(1)
    tracers.force_flush()
    meters.force_flush()


serve(1_000)
for _ in range(4):
    worker = multiprocessing.get_context("fork").Process(target=work)
    worker.start()
    worker.join()
tracers.force_flush()
meters.force_flush()
seen = []
while not arrived.empty():
    seen.append(arrived.get())
for name in "requests", "took":
    counts = [count for _, what, count in seen if what == name]
    instances = {instance for instance, what, _ in seen if what == name}
    print(f"{sys.argv[1]}, {name}: {len(instances)} instances, {sorted(counts)}, together {sum(counts)} of 1004")
print(f"{sys.argv[1]}, spans: {sum(count for _, what, count in seen if what == 'spans')} of 5")
PY
for temporality in cumulative delta; do
  venv/bin/python workers.py "$temporality"
done | tee seen
diff seen - <<'SEEN'
cumulative, requests: 5 instances, [1000, 1001, 1001, 1001, 1001], together 5004 of 1004
cumulative, took: 5 instances, [1000, 1001, 1001, 1001, 1001], together 5004 of 1004
cumulative, spans: 5 of 5
delta, requests: 5 instances, [1000, 1001, 1001, 1001, 1001], together 5004 of 1004
delta, took: 5 instances, [1000, 1001, 1001, 1001, 1001], together 5004 of 1004
delta, spans: 5 of 5
SEEN
