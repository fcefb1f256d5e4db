#!/usr/bin/env bash
# What: one NaN or infinite number makes a collector refuse all that the JavaScript SDK sends with it as OTLP/JSON.
#   @opentelemetry/exporter-metrics-otlp-http 0.301.0 writes such a number as JSON.stringify() does, null; protobuf's JSON has "NaN",
#   "Infinity" and "-Infinity" for them. The Collector's decoder (go.opentelemetry.io/collector/pdata v1.71.0) takes no null
#   where a number belongs, and refuses the whole request, which is not sent again. Attributes, of spans and logs too, are
#   made the same way (toAnyValue()); a whole number beyond 64 bits among them is an integer there and refused as well.
#   @opentelemetry/exporter-metrics-otlp-proto, the same but for the format, loses nothing.
# Seen: a request of three points, of which one is such a number or has one for an attribute: protobuf 3 arrived, JSON 0.
# Why it matters here: a ratio of 0 to 0 in one gauge is enough, and an application's metrics are missing for as long as it
#   lasts, while wirespan's of the same process arrive.
# Needs Node, and Go 1.21 or newer (it fetches the toolchain that the module asks for).
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
mkdir "$folder/module"
cd "$folder/module"
cat > main.go <<'GO'
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"

	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
)

// It decodes as the Collector's OTLP receiver does, and answers with the number of points or 400.
func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr())
	panic(http.Serve(listener, http.HandlerFunc(func(answer http.ResponseWriter, asked *http.Request) {
		body, err := io.ReadAll(asked.Body)
		request := pmetricotlp.NewExportRequest()
		if err == nil && asked.Header.Get("Content-Type") == "application/json" {
			err = request.UnmarshalJSON(body)
		} else if err == nil {
			err = request.UnmarshalProto(body)
		}
		if err != nil {
			http.Error(answer, "refused", http.StatusBadRequest)
			return
		}
		answer.Header().Set("X-Points", fmt.Sprint(request.Metrics().DataPointCount()))
	})))
}
GO
export GOPATH="$folder/go" GOFLAGS=-mod=mod
go mod init decode > go.log 2>&1
go get go.opentelemetry.io/collector/pdata@v1.71.0 >> go.log 2>&1
go mod tidy >> go.log 2>&1
go build -o decode . >> go.log 2>&1
./decode > address &
server=$!
npm init -y > /dev/null
npm install --silent --ignore-scripts --no-audit --no-fund @opentelemetry/api@1.10.0 @opentelemetry/sdk-metrics@3.1.0 \
  @opentelemetry/exporter-metrics-otlp-http@0.301.0 @opentelemetry/exporter-metrics-otlp-proto@0.301.0
cat > send.cjs <<'JS'
const http = require('node:http');
const { readFileSync } = require('node:fs');
const json = require('@opentelemetry/exporter-metrics-otlp-http');
const proto = require('@opentelemetry/exporter-metrics-otlp-proto');
const { MeterProvider, MetricReader } = require('@opentelemetry/sdk-metrics');

class Reader extends MetricReader {
  onShutdown() {}
  onForceFlush() {}
}
// What the server said it took, of the last request.
let seen;
const emit = http.ClientRequest.prototype.emit;
http.ClientRequest.prototype.emit = function (name, ...rest) {
  if (name === 'response') seen = { points: rest[0].headers['x-points'] ?? 0, status: rest[0].statusCode };
  return emit.call(this, name, ...rest);
};

const gauge = (value, attributes) => (meter) => meter.createGauge('one').record(value, attributes);
const cases = {
  'an ordinary number': gauge(0.5),
  'a gauge of 0 / 0': gauge(0 / 0),
  'a gauge of 1 / 0': gauge(1 / 0),
  'a histogram that met 1 / 0': (meter) => meter.createHistogram('one').record(1 / 0),
  'an attribute of 0 / 0': gauge(1, { share: 0 / 0 }),
  'an attribute of 2 to the 64th': gauge(1, { limit: 2 ** 64 }),
};
async function main() {
  const url = `http://${readFileSync('address', 'utf8').trim()}/v1/metrics`;
  for (const [what, record] of Object.entries(cases)) {
    const arrived = [];
    for (const [format, { OTLPMetricExporter }] of Object.entries({ protobuf: proto, JSON: json })) {
      const reader = new Reader();
      const meter = new MeterProvider({ readers: [reader] }).getMeter('m');
      for (const name of ['two', 'three']) meter.createCounter(name).add(1);
      record(meter);
      const { resourceMetrics } = await reader.collect();
      const exporter = new OTLPMetricExporter({ url });
      const { error } = await new Promise((done) => exporter.export(resourceMetrics, done));
      arrived.push(`${format} ${seen.points} (${seen.status}${error ? ', given up' : ''})`);
    }
    console.log(`${what}: ${arrived.join(', ')}`);
  }
}
main();
JS
for _ in $(seq 100); do [ -s address ] && break; sleep 0.1; done
node send.cjs | tee seen
diff seen - <<'SEEN'
an ordinary number: protobuf 3 (200), JSON 3 (200)
a gauge of 0 / 0: protobuf 3 (200), JSON 0 (400, given up)
a gauge of 1 / 0: protobuf 3 (200), JSON 0 (400, given up)
a histogram that met 1 / 0: protobuf 3 (200), JSON 0 (400, given up)
an attribute of 0 / 0: protobuf 3 (200), JSON 0 (400, given up)
an attribute of 2 to the 64th: protobuf 3 (200), JSON 0 (400, given up)
SEEN
