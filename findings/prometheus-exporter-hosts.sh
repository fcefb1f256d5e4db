#!/usr/bin/env bash
# What: the Collector's `prometheus` exporter makes no target_info for a resource without service.name, though it takes its
#   service.instance.id for the label `instance`. exporter/prometheusexporter v0.165.0. What else the resource says, its host's
#   name for one, is then nowhere: `* on (instance) group_left (host_name) target_info` finds nothing to join.
# Seen: of two resources that differ in service.name alone, both have series with their instance; one has target_info.
#   Prometheus 3.16 itself, which takes the same by OTLP, writes a target_info with `instance` for it.
# Why it matters here: softirqs and sockets by state are of a host and of no service: in Prometheus they could not be told by
#   the host's name. The shipped otel-collector.yaml gives such resources a name before that exporter.
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
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/exporter/prometheusexporter"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	address := free.Addr().String()
	check(free.Close())
	factory := prometheusexporter.NewFactory()
	config := factory.CreateDefaultConfig().(*prometheusexporter.Config)
	config.ServerConfig.NetAddr.Endpoint = address
	exporter, err := factory.CreateMetrics(context.Background(), exportertest.NewNopSettings(factory.Type()), config)
	check(err)
	check(exporter.Start(context.Background(), componenttest.NewNopHost()))
	metrics := pmetric.NewMetrics()
	for _, service := range []string{"shop", ""} {
		resource := metrics.ResourceMetrics().AppendEmpty()
		attributes := resource.Resource().Attributes()
		attributes.PutStr("host.name", "node-1")
		attributes.PutStr("service.instance.id", "of-"+map[bool]string{true: "a-host", false: "a-service"}[service == ""])
		if service != "" {
			attributes.PutStr("service.name", service)
		}
		metric := resource.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
		metric.SetName("sockets")
		point := metric.SetEmptyGauge().DataPoints().AppendEmpty()
		point.SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
		point.SetIntValue(7)
	}
	check(exporter.ConsumeMetrics(context.Background(), metrics))
	answer, err := http.Get("http://" + address + "/metrics")
	check(err)
	body, err := io.ReadAll(answer.Body)
	check(err)
	for _, name := range []string{"sockets", "target_info"} {
		for _, instance := range []string{"of-a-service", "of-a-host"} {
			found := 0
			for _, line := range strings.Split(string(body), "\n") {
				if strings.HasPrefix(line, name+"{") && strings.Contains(line, `instance="`+instance+`"`) {
					found++
				}
			}
			fmt.Printf("%s %s: %d\n", name, instance, found)
		}
	}
	check(exporter.Shutdown(context.Background()))
}
GO
export GOPATH="$folder/go" GOFLAGS=-mod=mod
go mod init hosts > go.log 2>&1
go get github.com/open-telemetry/opentelemetry-collector-contrib/exporter/prometheusexporter@v0.165.0 >> go.log 2>&1
go mod tidy >> go.log 2>&1
go run . | tee seen
diff seen - <<'SEEN'
sockets of-a-service: 1
sockets of-a-host: 1
target_info of-a-service: 1
target_info of-a-host: 0
SEEN
