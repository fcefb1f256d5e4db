#!/usr/bin/env bash
# What: the Collector's disk traffic of a process holds what went through its sockets, if it reads and writes them as files.
#   receiver/hostmetricsreceiver v0.165.0 with github.com/shirou/gopsutil/v4 v4.26.10. process.disk.io ("Disk bytes transferred") is
#   ReadBytes and WriteBytes of gopsutil's IOCounters (scrapeAndAppendDiskMetrics()), and those are rchar and wchar of /proc/PID/io
#   (fillFromIOWithContext()): what read() and write() moved, from and to whatever it is. What disks had is beside it, as
#   read_bytes and write_bytes (DiskReadBytes, DiskWriteBytes). Go and Node read and write sockets that way; recv() and send(), which
#   Python's sockets use, are counted in neither.
# Seen: a process sends itself 10 MB over TCP by write() and read(): process.disk.io 10 MB written and 10 MB read, the kernel's
#   read_bytes and write_bytes 0. The same by send() and recv(): 0 and 0.
# Why it matters here: a proxy that never opens a file has the traffic that wirespan has of its connections once more, as that of a disk;
#   and of two services that do the same one has it and the other has not, by the language.
# Needs Linux, Python 3, and Go 1.21 or newer (it fetches the toolchain that the modules ask for).
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
mkdir "$folder/module"
cd "$folder/module"
cat > traffic.py <<'PY'
# Each line that it is told makes it send itself 10 MB in that way; then it says what the kernel has of its disks.
import os
import socket
import sys

listener = socket.create_server(("127.0.0.1", 0))
sender = socket.create_connection(listener.getsockname())
receiver, _ = listener.accept()
WAYS = {
    "write() and read()": (
        lambda data: os.write(sender.fileno(), data),
        lambda size: len(os.read(receiver.fileno(), size)),
    ),
    "send() and recv()": (sender.send, lambda size: len(receiver.recv(size))),
}


def disks():
    with open("/proc/self/io") as file:
        numbers = dict(line.split(": ") for line in file)
    return [int(numbers[name]) for name in ("read_bytes", "write_bytes")]


before = disks()
print("ready", flush=True)
for line in sys.stdin:
    send, receive = WAYS[line.strip()]
    for _ in range(1000):
        assert send(bytes(10_000)) == 10_000
        left = 10_000
        while left:
            left -= receive(left)
    now = disks()
    print(f"the kernel: {now[0] - before[0]} read, {now[1] - before[1]} written", flush=True)
PY
cat > main.go <<'GO'
package main

import (
	"bufio"
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/receiver/hostmetricsreceiver"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/receiver/receivertest"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// The process's disk traffic by direction, in MB, of a scrape that began after this was called.
func told(sink *consumertest.MetricsSink, pid int) map[string]float64 {
	sink.Reset()
	for end := time.Now().Add(time.Minute); len(sink.AllMetrics()) < 2; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			panic("no scrape")
		}
	}
	traffic := map[string]float64{}
	resources := sink.AllMetrics()[1].ResourceMetrics()
	for i := 0; i < resources.Len(); i++ {
		id, _ := resources.At(i).Resource().Attributes().Get("process.pid")
		if int(id.Int()) != pid {
			continue
		}
		metrics := resources.At(i).ScopeMetrics().At(0).Metrics()
		for j := 0; j < metrics.Len(); j++ {
			if metrics.At(j).Name() != "process.disk.io" {
				continue
			}
			points := metrics.At(j).Sum().DataPoints()
			for k := 0; k < points.Len(); k++ {
				points.At(k).Attributes().Range(func(_ string, direction pcommon.Value) bool {
					traffic[direction.AsString()] = float64(points.At(k).IntValue()) / 1e6
					return true
				})
			}
		}
	}
	if len(traffic) != 2 {
		panic(traffic)
	}
	return traffic
}

func main() {
	process := exec.Command("python3", "traffic.py")
	process.Stderr = os.Stderr
	orders, err := process.StdinPipe()
	must(err)
	output, err := process.StdoutPipe()
	must(err)
	must(process.Start())
	answers := bufio.NewScanner(output)
	answers.Scan()

	factory := hostmetricsreceiver.NewFactory()
	config := factory.CreateDefaultConfig()
	settings := map[string]any{"collection_interval": "500ms", "scrapers": map[string]any{"process": nil}}
	must(confmap.NewFromStringMap(settings).Unmarshal(config))
	sink := new(consumertest.MetricsSink)
	receiver, err := factory.CreateMetrics(context.Background(), receivertest.NewNopSettings(factory.Type()), config, sink)
	must(err)
	must(receiver.Start(context.Background(), componenttest.NewNopHost()))
	for _, way := range []string{"write() and read()", "send() and recv()"} {
		before := told(sink, process.Process.Pid)
		fmt.Fprintln(orders, way)
		answers.Scan()
		now := told(sink, process.Process.Pid)
		read, written := math.Round(now["read"]-before["read"]), math.Round(now["write"]-before["write"])
		fmt.Printf("10 MB by %s: process.disk.io %.0f MB read, %.0f MB written; %s\n", way, read, written, answers.Text())
	}
	must(receiver.Shutdown(context.Background()))
	must(orders.Close())
	must(process.Wait())
}
GO
export GOPATH="$folder/go" GOFLAGS=-mod=mod
go mod init disk > go.log 2>&1
go get github.com/open-telemetry/opentelemetry-collector-contrib/receiver/hostmetricsreceiver@v0.165.0 >> go.log 2>&1
# What the modules' own tests need is not all to be had, and is not needed.
go mod tidy -e >> go.log 2>&1
go run . 2> log | tee seen
diff seen - <<'SEEN'
10 MB by write() and read(): process.disk.io 10 MB read, 10 MB written; the kernel: 0 read, 0 written
10 MB by send() and recv(): process.disk.io 0 MB read, 0 MB written; the kernel: 0 read, 0 written
SEEN
