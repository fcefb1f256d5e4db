#!/usr/bin/env bash
# What: the Collector's exporter that shares out by trace id sends all of a request again, also to the backends that have it.
#   exporter/loadbalancingexporter v0.150.0, with its own sending_queue and retry_on_failure, the way for not losing what a
#   backend that goes has not taken. A request is cut by trace and sent to each backend; when one refuses, the retry
#   cuts and sends the whole request anew.
# Seen: 100 traces of a span each for two backends, of which one answers UNAVAILABLE three times: it gets its spans once, and the
#   other, which never refused, gets each of its spans four times.
# Why it matters here: gateways before Tempo or Jaeger get the spans of wirespan and of applications several times while one of
#   them is away, and what counts spans behind them counts too many; deltas of metrics would be added up again.
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
	"net"
	"sync"
	"time"

	lb "github.com/open-telemetry/opentelemetry-collector-contrib/exporter/loadbalancingexporter"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// A backend that refuses at first, and then counts how often each trace comes.
type backend struct {
	ptraceotlp.UnimplementedGRPCServer
	mutex   sync.Mutex
	refuses int
	times   map[pcommon.TraceID]int
}

func (b *backend) Export(_ context.Context, request ptraceotlp.ExportRequest) (ptraceotlp.ExportResponse, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.refuses > 0 {
		b.refuses--
		return ptraceotlp.NewExportResponse(), status.Error(codes.Unavailable, "not now")
	}
	for _, resource := range request.Traces().ResourceSpans().All() {
		for _, scope := range resource.ScopeSpans().All() {
			for _, span := range scope.Spans().All() {
				b.times[span.TraceID()]++
			}
		}
	}
	return ptraceotlp.NewExportResponse(), nil
}

func serve(b *backend) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	server := grpc.NewServer()
	ptraceotlp.RegisterGRPCServer(server, b)
	go server.Serve(listener)
	return listener.Addr().String()
}

func (b *backend) seen() map[int]int {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	seen := map[int]int{}
	for _, times := range b.times {
		seen[times]++
	}
	return seen
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	refusing := &backend{refuses: 3, times: map[pcommon.TraceID]int{}}
	willing := &backend{times: map[pcommon.TraceID]int{}}
	settings := map[string]any{
		"routing_key": "traceID",
		"resolver":    map[string]any{"static": map[string]any{"hostnames": []any{serve(refusing), serve(willing)}}},
		"protocol": map[string]any{"otlp": map[string]any{
			"tls":              map[string]any{"insecure": true},
			"sending_queue":    map[string]any{"enabled": false},
			"retry_on_failure": map[string]any{"enabled": false},
		}},
		"sending_queue":    map[string]any{"enabled": true},
		"retry_on_failure": map[string]any{"enabled": true, "initial_interval": "200ms", "max_interval": "200ms"},
	}
	factory := lb.NewFactory()
	config := factory.CreateDefaultConfig()
	must(confmap.NewFromStringMap(settings).Unmarshal(config))
	exporter, err := factory.CreateTraces(context.Background(), exportertest.NewNopSettings(factory.Type()), config)
	must(err)
	must(exporter.Start(context.Background(), componenttest.NewNopHost()))
	traces := ptrace.NewTraces()
	spans := traces.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	for i := 0; i < 100; i++ {
		span := spans.AppendEmpty()
		span.SetName("request")
		span.SetTraceID(pcommon.TraceID{0: 1, 8: byte(i * 37), 15: byte(i)})
		span.SetSpanID(pcommon.SpanID{7: 1})
	}
	must(exporter.ConsumeTraces(context.Background(), traces))
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if len(refusing.seen()) > 0 {
			break
		}
	}
	must(exporter.Shutdown(context.Background()))
	total := 0
	for name, b := range map[string]*backend{"refused three times": refusing, "never refused": willing} {
		for times, count := range b.seen() {
			total += count
			fmt.Printf("backend that %s: each trace came %d times\n", name, times)
		}
	}
	fmt.Printf("%d traces\n", total)
}
GO
export GOPATH="$folder/go" GOFLAGS=-mod=mod
go mod init balancing > go.log 2>&1
go get github.com/open-telemetry/opentelemetry-collector-contrib/exporter/loadbalancingexporter@v0.150.0 >> go.log 2>&1
go build -o program . >> go.log 2>&1
./program 2>> go.log | sort | tee seen
diff seen - <<'SEEN'
100 traces
backend that never refused: each trace came 4 times
backend that refused three times: each trace came 1 times
SEEN
