#!/usr/bin/env bash
# What: the Collector's processor that adds up deltas shows the first exemplar of a sum for ever, and no later one.
#   processor/deltatocumulativeprocessor v0.165.0. Values are added up; the exemplars of a series stay those of its
#   first delta, whose time is then before the interval that the point tells of.
# Seen: three deltas of 10, each with an exemplar of a trace of its own: 10, 20 and 30, all with the exemplar of trace 1.
# Why it matters here: who sends wirespan's metrics as deltas and opens a trace from a chart is led to the first
#   connection of the series, whichever it clicks on; cumulative metrics, the default, have theirs.
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
	"time"

	d2c "github.com/open-telemetry/opentelemetry-collector-contrib/processor/deltatocumulativeprocessor"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/processor/processortest"
)

func main() {
	sink := new(consumertest.MetricsSink)
	factory := d2c.NewFactory()
	processor, err := factory.CreateMetrics(context.Background(), processortest.NewNopSettings(factory.Type()), factory.CreateDefaultConfig(), sink)
	if err != nil {
		panic(err)
	}
	if err := processor.Start(context.Background(), componenttest.NewNopHost()); err != nil {
		panic(err)
	}
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := 0; i < 3; i++ {
		metrics := pmetric.NewMetrics()
		metric := metrics.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
		metric.SetName("requests")
		sum := metric.SetEmptySum()
		sum.SetIsMonotonic(true)
		sum.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
		point := sum.DataPoints().AppendEmpty()
		point.SetStartTimestamp(pcommon.NewTimestampFromTime(begin.Add(time.Duration(i) * time.Second)))
		point.SetTimestamp(pcommon.NewTimestampFromTime(begin.Add(time.Duration(i+1) * time.Second)))
		point.SetIntValue(10)
		exemplar := point.Exemplars().AppendEmpty()
		exemplar.SetIntValue(1)
		exemplar.SetTimestamp(point.Timestamp())
		exemplar.SetTraceID(pcommon.TraceID{15: byte(i + 1)})
		if err := processor.ConsumeMetrics(context.Background(), metrics); err != nil {
			panic(err)
		}
	}
	for _, metrics := range sink.AllMetrics() {
		point := metrics.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Sum().DataPoints().At(0)
		fmt.Printf("%d, exemplars of traces:", point.IntValue())
		for i := 0; i < point.Exemplars().Len(); i++ {
			fmt.Printf(" %d", point.Exemplars().At(i).TraceID()[15])
		}
		fmt.Println()
	}
}
GO
export GOPATH="$folder/go" GOFLAGS=-mod=mod
go mod init exemplars > go.log 2>&1
go get github.com/open-telemetry/opentelemetry-collector-contrib/processor/deltatocumulativeprocessor@v0.165.0 >> go.log 2>&1
go mod tidy >> go.log 2>&1
go run . | tee seen
diff seen - <<'SEEN'
10, exemplars of traces: 1
20, exemplars of traces: 1
30, exemplars of traces: 1
SEEN
