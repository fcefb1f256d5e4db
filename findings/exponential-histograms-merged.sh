#!/usr/bin/env bash
# What: the Collector's processors that leave out attributes move the values of exponential histograms to where nothing was measured.
#   processor/metricstransformprocessor v0.165.0 (aggregate_labels); processor/transformprocessor (aggregate_on_attributes) calls the same functions,
#   of internal/coreinternal/aggregateutil. mergeExponentialHistogramBuckets() puts the filled buckets of a series that begins lower directly
#   in front of those that it has, whatever the distance and whatever they have in common. Count and sum stay right, so nothing looks
#   wrong. Series of different scales are not merged (groupExponentialHistogramDataPoints()): two points of one series leave.
# Seen: 90 requests of 1 ms and 10 of 1 s, without the attribute that tells them apart: p95 in the bucket up to 1024 ms; with the slow ones
#   first, in the bucket up to 1 ms. 1, 2, 4 and 8 ms, and 2, 4, 8 and 16 ms, ten times each: p95 16 ms; the other way round p50 8 ms and p95
#   128 ms, which nothing took. 1 ms and 2 ms at two scales: two points. Counts and sums are right in each.
# Why it matters here: the way to fewer series of an application's durations, which wirespan's latencies are laid beside, hides the slow
#   ones, or not, by the order in which an SDK lists its series. Histograms with explicit buckets, as wirespan's, are added up right.
# Needs Go 1.21 or newer (it fetches the toolchain that the module asks for).
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
mkdir "$folder/module"
cd "$folder/module"
cat > main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"math"
	"slices"

	transform "github.com/open-telemetry/opentelemetry-collector-contrib/processor/metricstransformprocessor"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor/processortest"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// series is what was measured with one value of an attribute: each of the milliseconds so many times.
type series struct {
	scale, times int
	values       []float64
}

// fill makes a point of it, by OpenTelemetry's definition: bucket i holds what is above 2^(i/2^scale) and up to 2^((i+1)/2^scale).
func fill(point pmetric.ExponentialHistogramDataPoint, measured series) {
	indexes := make([]int, len(measured.values))
	for i, value := range measured.values {
		indexes[i] = int(math.Ceil(math.Log2(value)*math.Ldexp(1, measured.scale))) - 1
		point.SetSum(point.Sum() + value*float64(measured.times))
	}
	counts := make([]uint64, slices.Max(indexes)-slices.Min(indexes)+1)
	for _, index := range indexes {
		counts[index-slices.Min(indexes)] += uint64(measured.times)
	}
	point.SetCount(uint64(measured.times * len(indexes)))
	point.SetScale(int32(measured.scale))
	point.Positive().SetOffset(int32(slices.Min(indexes)))
	point.Positive().BucketCounts().FromRaw(counts)
}

// quantile is the upper end of the bucket that has it.
func quantile(point pmetric.ExponentialHistogramDataPoint, share float64) float64 {
	below := 0.0
	for i, count := range point.Positive().BucketCounts().All() {
		below += float64(count)
		if below >= share*float64(point.Count()) {
			return math.Exp2(float64(int(point.Positive().Offset())+i+1) / math.Ldexp(1, int(point.Scale())))
		}
	}
	return math.NaN()
}

func main() {
	operation := map[string]any{"action": "aggregate_labels", "label_set": []any{}, "aggregation_type": "sum"}
	asked := map[string]any{"include": "took", "action": "update", "operations": []any{operation}}
	factory := transform.NewFactory()
	config := factory.CreateDefaultConfig()
	check(confmap.NewFromStringMap(map[string]any{"transforms": []any{asked}}).Unmarshal(config))
	fast, slow := series{3, 90, []float64{1}}, series{3, 10, []float64{1000}}
	low, high := series{0, 10, []float64{1, 2, 4, 8}}, series{0, 10, []float64{2, 4, 8, 16}}
	for _, each := range []struct {
		what string
		of   []series
	}{
		{"fast, slow", []series{fast, slow}},
		{"slow, fast", []series{slow, fast}},
		{"low, high", []series{low, high}},
		{"high, low", []series{high, low}},
		{"scales 3 and 2", []series{{3, 10, []float64{1}}, {2, 10, []float64{2}}}},
	} {
		sink := new(consumertest.MetricsSink)
		processor, err := factory.CreateMetrics(context.Background(), processortest.NewNopSettings(factory.Type()), config, sink)
		check(err)
		check(processor.Start(context.Background(), componenttest.NewNopHost()))
		metrics := pmetric.NewMetrics()
		metric := metrics.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
		metric.SetName("took")
		metric.SetEmptyExponentialHistogram().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		for i, measured := range each.of {
			point := metric.ExponentialHistogram().DataPoints().AppendEmpty()
			point.Attributes().PutInt("route", int64(i))
			fill(point, measured)
		}
		check(processor.ConsumeMetrics(context.Background(), metrics))
		points := sink.AllMetrics()[0].ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).ExponentialHistogram().DataPoints()
		fmt.Printf("%s: points %d", each.what, points.Len())
		if points.Len() == 1 {
			point := points.At(0)
			fmt.Printf(", count %d, sum %g, p50 %.0f, p95 %.0f", point.Count(), point.Sum(), quantile(point, 0.5), quantile(point, 0.95))
		}
		fmt.Println()
		check(processor.Shutdown(context.Background()))
	}
}
GO
export GOPATH="$folder/go" GOFLAGS=-mod=mod
go mod init merged > go.log 2>&1
go get github.com/open-telemetry/opentelemetry-collector-contrib/processor/metricstransformprocessor@v0.165.0 >> go.log 2>&1
go mod tidy >> go.log 2>&1
go run . | tee seen
diff seen - <<'SEEN'
fast, slow: points 1, count 100, sum 10090, p50 1, p95 1024
slow, fast: points 1, count 100, sum 10090, p50 1, p95 1
low, high: points 1, count 80, sum 450, p50 4, p95 16
high, low: points 1, count 80, sum 450, p50 8, p95 128
scales 3 and 2: points 2
SEEN
