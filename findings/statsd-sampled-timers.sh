#!/usr/bin/env bash
# What: timers that a StatsD client samples are counted too low, by up to a half, in both ways from StatsD to Prometheus and OTLP.
#   github.com/prometheus/statsd_exporter v0.31.0 and the Collector's receiver/statsdreceiver v0.165.0. A line with "@0.6" is one of
#   1 / 0.6 that happened; both put a timer that often into a histogram, and both leave out the fraction (Parser.LineToEvents();
#   UpdateByIncr(uint64(raw.count))): 1.67 times is once. Counters of the same rate are right in the first, and in the
#   second with counter_type "float"; timers have no such setting. The receiver's summaries keep fractions, as weights.
# Seen: what a client sends of 1,800 events at five rates, as timers and as counters. Of the timers both ways count 1800 at 0.5, 1620 at
#   0.9, 1080 at 0.6, 1440 at 0.4, and 1620 at 0.3; of the counters 1800 each.
# Why it matters here: an application's count of requests or sum of seconds, beside wirespan's connections, is too low by a share that
#   changes with the rate; and a rate that is raised to 0.6 from 0.5, to lose less, loses 40 %.
# Needs Go 1.21 or newer (it fetches the toolchain that the module asks for) and Python 3.
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
	"net"
	"os"
	"time"

	statsd "github.com/open-telemetry/opentelemetry-collector-contrib/receiver/statsdreceiver"
	"github.com/open-telemetry/opentelemetry-collector-contrib/receiver/statsdreceiver/protocol"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/confignet"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/receiver/receivertest"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// It passes what it reads from its standard input to the receiver, and prints what the receiver makes of it.
func main() {
	sink := new(consumertest.MetricsSink)
	factory := statsd.NewFactory()
	config := factory.CreateDefaultConfig().(*statsd.Config)
	config.NetAddr = confignet.AddrConfig{Endpoint: os.Args[1], Transport: confignet.TransportTypeTCP}
	config.AggregationInterval = time.Second
	config.CounterType = protocol.CounterTypeFloat
	config.TimerHistogramMapping = []protocol.TimerHistogramMapping{{StatsdType: protocol.TimingTypeName, ObserverType: protocol.HistogramObserver}}
	receiver, err := factory.CreateMetrics(context.Background(), receivertest.NewNopSettings(factory.Type()), config, sink)
	check(err)
	check(receiver.Start(context.Background(), componenttest.NewNopHost()))
	connection, err := net.Dial("tcp", os.Args[1])
	check(err)
	_, err = connection.(*net.TCPConn).ReadFrom(os.Stdin)
	check(err)
	check(connection.Close())
	totals := map[string]float64{}
	for begin := time.Now(); totals["last"] == 0 && time.Since(begin) < 20*time.Second; time.Sleep(100 * time.Millisecond) {
		totals = map[string]float64{}
		for _, metrics := range sink.AllMetrics() {
			resources := metrics.ResourceMetrics()
			for i := 0; i < resources.Len(); i++ {
				scopes := resources.At(i).ScopeMetrics()
				for j := 0; j < scopes.Len(); j++ {
					for _, metric := range scopes.At(j).Metrics().All() {
						if metric.Type() == pmetric.MetricTypeSum {
							totals[metric.Name()] += metric.Sum().DataPoints().At(0).DoubleValue()
						} else {
							totals[metric.Name()] += float64(metric.ExponentialHistogram().DataPoints().At(0).Count())
						}
					}
				}
			}
		}
	}
	for _, rate := range []string{"0.9", "0.6", "0.5", "0.4", "0.3"} {
		fmt.Printf("receiver, @%s: timers %v, counters %v\n", rate, totals["timers_"+rate], math.Round(totals["counters_"+rate]))
	}
	check(receiver.Shutdown(context.Background()))
}
GO
export GOPATH="$folder/go" GOFLAGS=-mod=mod
go mod init timers > go.log 2>&1
go get github.com/open-telemetry/opentelemetry-collector-contrib/receiver/statsdreceiver@v0.165.0 >> go.log 2>&1
go mod tidy >> go.log 2>&1
go build -o receiver . >> go.log 2>&1
GOBIN="$PWD" go install github.com/prometheus/statsd_exporter@v0.31.0 >> go.log 2>&1
cat > send.py <<'PY'
import re
import socket
import subprocess
import time
import urllib.request

RATES = ["0.9", "0.6", "0.5", "0.4", "0.3"]
lines = [f"timers_{rate}:20|ms|@{rate}\ncounters_{rate}:1|c|@{rate}\n" for rate in RATES for _ in range(round(1800 * float(rate)))]
lines = "".join([*lines, "last:1|c\n"]).encode()
free = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
addresses = ["127.0.0.1:%d" % each.getsockname()[1] for each in free]
for each in free:
    each.close()
subprocess.run(["./receiver", addresses[0]], input=lines, check=True)

arguments = ["--statsd.listen-udp=", f"--statsd.listen-tcp={addresses[1]}", f"--web.listen-address={addresses[2]}"]
exporter = subprocess.Popen(["./statsd_exporter", *arguments], stderr=subprocess.DEVNULL)
try:
    page, sent = "", False
    for _ in range(100):
        time.sleep(0.1)
        try:
            if not sent:
                with socket.create_connection(("127.0.0.1", int(addresses[1].split(":")[1]))) as connection:
                    connection.sendall(lines)
                sent = True
            page = urllib.request.urlopen(f"http://{addresses[2]}/metrics").read().decode()
        except OSError:
            continue
        if re.search("^last 1", page, re.M):
            break
    for rate in RATES:
        name = rate.replace(".", "_")
        timers, counters = (float(re.search(f"^{each} (.*)", page, re.M)[1]) for each in (f"timers_{name}_count", f"counters_{name}"))
        print(f"exporter, @{rate}: timers {timers:.0f}, counters {counters:.0f}")
finally:
    exporter.terminate()
    exporter.wait()
PY
python3 send.py | tee seen
diff seen - <<'SEEN'
receiver, @0.9: timers 1620, counters 1800
receiver, @0.6: timers 1080, counters 1800
receiver, @0.5: timers 1800, counters 1800
receiver, @0.4: timers 1440, counters 1800
receiver, @0.3: timers 1620, counters 1800
exporter, @0.9: timers 1620, counters 1800
exporter, @0.6: timers 1080, counters 1800
exporter, @0.5: timers 1800, counters 1800
exporter, @0.4: timers 1440, counters 1800
exporter, @0.3: timers 1620, counters 1800
SEEN
