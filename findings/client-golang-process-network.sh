#!/usr/bin/env bash
# What: the network bytes that a Go process tells of itself are those of all processes in its network namespace, over IPv4 alone.
#   github.com/prometheus/client_golang v1.25.0. Its process collector, which the default registry has, takes InOctets and OutOctets of
#   /proc/self/net/netstat (processCollect(), with Netstat() of github.com/prometheus/procfs) for process_network_receive_bytes_total and
#   process_network_transmit_bytes_total. That file is the namespace's, whichever process it is read by, and its IpExt counts no IPv6.
# Seen: a process that opens no socket, while another one sends itself 10 MB over IPv4: 10 MB in both. The same process sends itself
#   10 MB over IPv6: 0.
# Why it matters here: on a host without containers of their own, or with pods on the host's network, each Go service has the traffic of
#   the whole host, and their sum is as many times too large; laid beside wirespan's bytes by process, the wrong ones look busy.
# Needs root, util-linux, iproute2, Python 3, and Go 1.21 or newer (it fetches the toolchain that the module asks for).
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
mkdir "$folder/module"
cd "$folder/module"
cat > main.go <<'GO'
package main

import (
	"fmt"
	"io"
	"math"
	"net"
	"os/exec"

	"github.com/prometheus/client_golang/prometheus"
)

// What the process tells of its own network traffic, in MB.
func told() (received, transmitted float64) {
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		panic(err)
	}
	for _, family := range families {
		value := family.GetMetric()[0].GetCounter().GetValue() / 1e6
		switch family.GetName() {
		case "process_network_receive_bytes_total":
			received = value
		case "process_network_transmit_bytes_total":
			transmitted = value
		}
	}
	return received, transmitted
}

func show(what string, traffic func()) {
	receivedBefore, transmittedBefore := told()
	traffic()
	received, transmitted := told()
	fmt.Printf("%s: received %.0f MB, transmitted %.0f MB\n", what, math.Round(received-receivedBefore), math.Round(transmitted-transmittedBefore))
}

func main() {
	show("another process, IPv4", func() {
		if err := exec.Command("python3", "traffic.py").Run(); err != nil {
			panic(err)
		}
	})
	show("this process, IPv6", func() {
		listener, err := net.Listen("tcp6", "[::1]:0")
		if err != nil {
			panic(err)
		}
		go func() {
			sender, err := net.Dial("tcp6", listener.Addr().String())
			if err != nil {
				panic(err)
			}
			sender.Write(make([]byte, 10_000_000))
			sender.Close()
		}()
		receiver, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		if count, _ := io.Copy(io.Discard, receiver); count != 10_000_000 {
			panic(count)
		}
	})
}
GO
cat > traffic.py <<'PY'
import socket
import threading

listener = socket.create_server(("127.0.0.1", 0))
sender = socket.create_connection(listener.getsockname())
receiver, _ = listener.accept()


def send():
    sender.sendall(bytes(10_000_000))
    sender.close()


threading.Thread(target=send).start()
received = 0
while data := receiver.recv(1 << 20):
    received += len(data)
assert received == 10_000_000
PY
export GOPATH="$folder/go" GOFLAGS=-mod=mod
go mod init network > go.log 2>&1
go get github.com/prometheus/client_golang@v1.25.0 >> go.log 2>&1
go mod tidy >> go.log 2>&1
go build -o network .
# In a network namespace of its own, where nothing else is sent.
unshare --net sh -c 'ip link set lo up && exec ./network' | tee seen
diff seen - <<'SEEN'
another process, IPv4: received 10 MB, transmitted 10 MB
this process, IPv6: received 0 MB, transmitted 0 MB
SEEN
