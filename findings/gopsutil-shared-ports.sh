#!/usr/bin/env bash
# What: listeners that share a port by SO_REUSEPORT are one listener for gopsutil.
#   github.com/shirou/gopsutil/v4 v4.26.10. net.Connections("tcp") takes rows of one local address, remote address and
#   state for the same socket, though each has an inode of its own. nginx with "reuseport", HAProxy and Envoy open one
#   listener a worker. psutil 7.2.2 (Python), the same call in name, and ss count each.
# Seen: four listeners of one port: 4 rows in /proc/net/tcp, 4 in psutil, 1 in gopsutil.
# Why it matters here: the Collector's hostmetrics receiver counts system.network.connections with it, and has fewer
#   listeners than ss, and than wirespan's system.network.connection.count beside it.
# Needs Go 1.21 or newer (it fetches the toolchain that the module asks for) and Python 3.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check psutil==7.2.2
cat > count.go <<'GO'
package main

import (
	"fmt"
	"os"

	"github.com/shirou/gopsutil/v4/net"
)

func main() {
	connections, err := net.Connections("tcp")
	if err != nil {
		panic(err)
	}
	count := 0
	for _, c := range connections {
		if c.Status == "LISTEN" && fmt.Sprint(c.Laddr.Port) == os.Args[1] {
			count++
		}
	}
	fmt.Println("gopsutil:", count)
}
GO
export GOPATH="$folder/go" GOFLAGS=-mod=mod
go mod init count > go.log 2>&1
go get github.com/shirou/gopsutil/v4@v4.26.10 >> go.log 2>&1
go build -o count . >> go.log 2>&1
cat > listen.py <<'PY'
import socket
import subprocess

import psutil

port, listeners = 0, []
for _ in range(4):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen()
    port = listener.getsockname()[1]
    listeners.append(listener)
rows = [row.split() for row in open("/proc/net/tcp")]
print("/proc/net/tcp:", sum(row[1] == f"0100007F:{port:04X}" and row[3] == "0A" for row in rows))
found = [c for c in psutil.net_connections("tcp") if c.status == "LISTEN" and c.laddr.port == port]
print("psutil:", len(found), flush=True)
subprocess.run(["./count", str(port)], check=True)
PY
venv/bin/python listen.py | tee seen
diff seen - <<'SEEN'
/proc/net/tcp: 4
psutil: 4
gopsutil: 1
SEEN
