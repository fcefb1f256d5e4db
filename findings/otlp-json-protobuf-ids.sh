#!/usr/bin/env bash
# What: protobuf's own libraries read a trace in OTLP/JSON without an error, and every trace and span has another id.
#   protobuf 7.36.2 (Python) with opentelemetry-proto 1.45.2, and protojson of google.golang.org/protobuf v1.36.12 with
#   go.opentelemetry.io/proto/otlp v1.11.1. OTLP/JSON has ids in hexadecimal, where protobuf's JSON has bytes in base64. 32 and 16
#   hexadecimal digits are base64 as well: of 24 and 12 bytes. What is read, printed as JSON again, looks as it was.
#   The Collector's decoder (go.opentelemetry.io/collector/pdata v1.71.0) reads hexadecimal.
# Seen: the same file: ids of 16 and 8 bytes by pdata; of 24 and 12 by json_format.Parse() and protojson.Unmarshal(), printed again the
#   same text. Sent on as protobuf, a collector refuses the request for it.
# Why it matters here: who reads a file of the Collector's file exporter with the messages' own parser, to find wirespan's spans below
#   those of applications, finds each parent, and no trace that a log names.
# Needs Python 3, and Go 1.21 or newer (it fetches the toolchain that the modules ask for).
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
mkdir "$folder/module"
cd "$folder/module"
cat > trace.json <<'JSON'
{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331",
"name":"GET","kind":2,"startTimeUnixNano":"1780000000000000000","endTimeUnixNano":"1780000001000000000"}]}]}]}
JSON
cat > main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	file, err := os.ReadFile("trace.json")
	check(err)
	request := ptraceotlp.NewExportRequest()
	check(request.UnmarshalJSON(file))
	known := request.Traces().ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
	fmt.Printf("pdata: %d and %d bytes, trace %s\n", len(known.TraceID()), len(known.SpanID()), known.TraceID())

	var read collector.ExportTraceServiceRequest
	check(protojson.Unmarshal(file, &read))
	span := read.ResourceSpans[0].ScopeSpans[0].Spans[0]
	fmt.Printf("go: %d and %d bytes, trace %x\n", len(span.TraceId), len(span.SpanId), span.TraceId)
	sent, err := proto.Marshal(&read)
	check(err)
	fmt.Println("go, sent on: refused", request.UnmarshalProto(sent) != nil)
}
GO
export GOPATH="$folder/go" GOFLAGS=-mod=mod
go mod init ids > go.log 2>&1
go get go.opentelemetry.io/collector/pdata@v1.71.0 go.opentelemetry.io/proto/otlp@v1.11.1 google.golang.org/protobuf@v1.36.12 >> go.log 2>&1
go mod tidy >> go.log 2>&1
go build -o ids . >> go.log 2>&1
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check protobuf==7.36.2 opentelemetry-proto==1.45.2
cat > ids.py <<'PYTHON'
import json

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

file = open("trace.json").read()
read = json_format.Parse(file, ExportTraceServiceRequest())
span = read.resource_spans[0].scope_spans[0].spans[0]
print(f"python: {len(span.trace_id)} and {len(span.span_id)} bytes, trace {span.trace_id.hex()}")
again = json.loads(json_format.MessageToJson(read))
print("python, printed again: the same id", json.loads(file)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["traceId"] in str(again))
PYTHON
{ ./ids; venv/bin/python ids.py; } | tee seen
diff seen - <<'SEEN'
pdata: 16 and 8 bytes, trace 0af7651916cd43dd8448eb211c80319c
go: 24 and 12 bytes, trace d1a7fbeb9d7dd7a71de3775df38e3c79bdb5d5cf34df5f5c
go, sent on: refused true
python: 24 and 12 bytes, trace d1a7fbeb9d7dd7a71de3775df38e3c79bdb5d5cf34df5f5c
python, printed again: the same id True
SEEN
