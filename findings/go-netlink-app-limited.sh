#!/usr/bin/env bash
# What: no connection is ever limited by its application for Go's netlink library, so each delivery rate looks like the network's.
#   github.com/vishvananda/netlink v1.3.1. TCPInfo.deserialize() takes Delivery_rate_app_limited from the highest bit of its byte and
#   Fastopen_client_fail from the two below; the kernel's bit fields begin at the lowest one on x86-64 and arm64, where the highest are unused.
#   tcpi_delivery_rate is of what there was to send while the bit is set. The window scales, in the byte before, are each other's.
# Seen: a connection that sends one byte and waits for one, 20 times. ss of iproute2, asked in between: "app_limited"; the
#   library, asked before and after it: 0, with a delivery rate.
# Why it matters here: a rate is a path's only without that bit. A service that has little to send, beside wirespan's bytes and round
#   trips of the same connection, looks like one on a slow path, and an average over all connections is one of idle ones.
# Needs root, Linux on x86-64 or arm64 with util-linux and iproute2, and Go 1.21 or newer (it fetches the toolchain that the module asks for).
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
	"net"
	"os/exec"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// What the library has of the connection from this port.
func library(port int) *netlink.TCPInfo {
	answers, err := netlink.SocketDiagTCPInfo(unix.AF_INET)
	must(err)
	for _, answer := range answers {
		if int(answer.InetDiagMsg.ID.SourcePort) == port && answer.TCPInfo != nil {
			return answer.TCPInfo
		}
	}
	panic("no such connection")
}

func main() {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	must(err)
	client, err := net.Dial("tcp4", listener.Addr().String())
	must(err)
	server, err := listener.Accept()
	must(err)
	one := make([]byte, 1)
	for i := 0; i < 20; i++ {
		for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
			_, err = way[0].Write(one)
			must(err)
			_, err = io.ReadFull(way[1], one)
			must(err)
		}
	}
	port := client.LocalAddr().(*net.TCPAddr).Port
	before := library(port)
	output, err := exec.Command("ss", "-Htin", fmt.Sprintf("sport = :%d", port)).Output()
	must(err)
	after := library(port)
	fmt.Println("ss: app_limited", strings.Contains(string(output), " app_limited"))
	for _, info := range []*netlink.TCPInfo{before, after} {
		fmt.Printf("library: app limited %d, delivery rate %t\n", info.Delivery_rate_app_limited, info.Delivery_rate > 0)
	}
}
GO
export GOPATH="$folder/go" GOFLAGS=-mod=mod
go mod init limited > go.log 2>&1
go get github.com/vishvananda/netlink@v1.3.1 >> go.log 2>&1
go mod tidy >> go.log 2>&1
go build -o limited .
# In a network namespace of its own, where there is no other connection.
unshare --net sh -c 'ip link set lo up && exec ./limited' | tee seen
diff seen - <<'SEEN'
ss: app_limited true
library: app limited 0, delivery rate true
library: app limited 0, delivery rate true
SEEN
