#!/usr/bin/env bash
# What: one interval in which nothing but 0 was measured makes an exponential histogram coarse for the rest of a process's life.
#   opentelemetry-sdk 1.45.2 and @opentelemetry/sdk-metrics 3.1.1, cumulative, as both are by default. A zero has a count of its own and needs
#   no scale. Python takes scale 0 for such an interval (_ExponentialBucketHistogramAggregation.aggregate()) and brings all that is counted
#   to it: buckets of a factor of 2. So does JavaScript when the interval was the first one; else it takes the empty buckets for ones that
#   hold index 0, a 1 (HighLow.combine()), and all that was counted must fit in with that. No later value makes it finer. Go's SDK
#   1.47.0 keeps its scale.
# Seen: sizes of 100 uploads, 1,000,000 to 1,099,000 bytes, and a request without a body. The bucket with the 95th percentile is 1,093,519
#   to 1,094,259. Uploads, the 0, then uploads: Python 1,048,576 to 2,097,152, JavaScript 1,048,576 to 1,246,974. The 0, then uploads:
#   both 1,048,576 to 2,097,152. Go as at first.
# Why it matters here: sizes of requests, or times in whole milliseconds, at night or after the start: what is laid beside wirespan's
#   bytes and latencies is exact or wrong by up to a half, by what one interval held.
# Needs Node, Python 3, and Go 1.21 or newer (it fetches the toolchain that the module asks for).
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
mkdir "$folder/module"
cd "$folder/module"
npm init -y > /dev/null
npm install --silent --ignore-scripts --no-audit --no-fund @opentelemetry/api@1.10.0 @opentelemetry/sdk-metrics@3.1.1
python3 -m venv ../venv
../venv/bin/pip install --quiet --disable-pip-version-check opentelemetry-sdk==1.45.2
cat > sizes.cjs <<'JS'
const {
  AggregationTemporality,
  AggregationType,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} = require('@opentelemetry/sdk-metrics');

const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1e9, exportTimeoutMillis: 1e9 });
const aggregation = { type: AggregationType.EXPONENTIAL_HISTOGRAM };
const provider = new MeterProvider({ readers: [reader], views: [{ instrumentName: 'size', aggregation }] });
const size = provider.getMeter('m').createHistogram('size');
const uploads = Array.from({ length: 100 }, (_, i) => 1_000_000 + 1_000 * i);
(async () => {
  for (const interval of process.argv.slice(2)) {
    for (const each of interval === 'uploads' ? uploads : [0]) size.record(each);
    await provider.forceFlush();
    const { scale, count, zeroCount, positive } = exporter.getMetrics().at(-1).scopeMetrics[0].metrics[0].dataPoints[0].value;
    console.log('javascript', scale, count, zeroCount, positive.offset, ...positive.bucketCounts);
  }
})();
JS
cat > sizes.py <<'PY'
import sys

from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation

reader = InMemoryMetricReader(preferred_aggregation={Histogram: ExponentialBucketHistogramAggregation()})
size = MeterProvider([reader]).get_meter("m").create_histogram("size")
uploads = range(1_000_000, 1_100_000, 1_000)
for interval in sys.argv[1:]:
    for each in uploads if interval == "uploads" else [0]:
        size.record(each)
    point = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics[0].data.data_points[0]
    print("python", point.scale, point.count, point.zero_count, point.positive.offset, *point.positive.bucket_counts)
PY
cat > main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

func main() {
	exponential := metric.NewView(
		metric.Instrument{Name: "size"},
		metric.Stream{Aggregation: metric.AggregationBase2ExponentialHistogram{MaxSize: 160, MaxScale: 20}},
	)
	reader := metric.NewManualReader()
	meter := metric.NewMeterProvider(metric.WithReader(reader), metric.WithView(exponential)).Meter("m")
	size, err := meter.Int64Histogram("size")
	if err != nil {
		panic(err)
	}
	uploads := make([]int64, 100)
	for i := range uploads {
		uploads[i] = 1_000_000 + 1_000*int64(i)
	}
	for _, interval := range os.Args[1:] {
		sizes := []int64{0}
		if interval == "uploads" {
			sizes = uploads
		}
		for _, each := range sizes {
			size.Record(context.Background(), each)
		}
		var collected metricdata.ResourceMetrics
		if err := reader.Collect(context.Background(), &collected); err != nil {
			panic(err)
		}
		point := collected.ScopeMetrics[0].Metrics[0].Data.(metricdata.ExponentialHistogram[int64]).DataPoints[0]
		counts := strings.Trim(fmt.Sprint(point.PositiveBucket.Counts), "[]")
		fmt.Println("go", point.Scale, point.Count, point.ZeroCount, point.PositiveBucket.Offset, counts)
	}
}
GO
cat > judge.py <<'PY'
import sys

for line in sys.stdin:
    language, *numbers = line.split()
    scale, count, zeros, offset, *counts = map(int, numbers)
    # The bucket that holds the 95th percentile; the zeros are below all of them.
    below, index = zeros, offset - 1
    for bucket in counts:
        if below >= 0.95 * count:
            break
        below, index = below + bucket, index + 1
    base = 2 ** 2.0**-scale
    low, high = (0, 0) if index < offset else (base**index, base ** (index + 1))
    print(f"{language}: count {count}, zeros {zeros}, scale {scale}, p95 from {low:.0f} to {high:.0f}")
PY
export GOPATH="$folder/go" GOFLAGS=-mod=mod
go mod init sizes > go.log 2>&1
go get go.opentelemetry.io/otel/sdk/metric@v1.47.0 >> go.log 2>&1
go mod tidy >> go.log 2>&1
go build -o sizes .
for intervals in 'uploads nothing uploads' 'nothing uploads'; do
  echo "$intervals"
  for program in 'node sizes.cjs' '../venv/bin/python sizes.py' ./sizes; do
    # Both are words of the command.
    # shellcheck disable=SC2086
    $program $intervals
  done | python3 judge.py
done | tee seen
diff seen - <<'SEEN'
uploads nothing uploads
javascript: count 100, zeros 0, scale 10, p95 from 1093519 to 1094259
javascript: count 101, zeros 1, scale 2, p95 from 1048576 to 1246974
javascript: count 201, zeros 1, scale 2, p95 from 1048576 to 1246974
python: count 100, zeros 0, scale 10, p95 from 1093519 to 1094259
python: count 101, zeros 1, scale 0, p95 from 1048576 to 2097152
python: count 201, zeros 1, scale 0, p95 from 1048576 to 2097152
go: count 100, zeros 0, scale 10, p95 from 1093519 to 1094259
go: count 101, zeros 1, scale 10, p95 from 1093519 to 1094259
go: count 201, zeros 1, scale 10, p95 from 1093519 to 1094259
nothing uploads
javascript: count 1, zeros 1, scale 0, p95 from 0 to 0
javascript: count 101, zeros 1, scale 0, p95 from 1048576 to 2097152
python: count 1, zeros 1, scale 0, p95 from 0 to 0
python: count 101, zeros 1, scale 0, p95 from 1048576 to 2097152
go: count 1, zeros 1, scale 20, p95 from 0 to 0
go: count 101, zeros 1, scale 10, p95 from 1093519 to 1094259
SEEN
