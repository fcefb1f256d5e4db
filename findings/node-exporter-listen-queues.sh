#!/usr/bin/env bash
# What: the bytes that node_exporter tells as queued for sending hold the sizes of the accept queues of all listeners.
#   prometheus-node-exporter 1.5.0 of Debian 12, collector tcpstat; 1.12.1, built from its Go module, tells the same. parseTCPStats() adds up
#   what the kernel's inet_diag has for every socket, but for one that listens idiag_wqueue is the most connections that may wait, and
#   idiag_rqueue is how many do (tcp_diag_get_info()). Both are counts, of connections.
# Seen: a network namespace of its own with one listener of a backlog of 511 besides node_exporter's, of 4,096; nothing is sent, and three
#   connections wait to be accepted: tx_queued_bytes 4607, rx_queued_bytes 3. The queues of all other sockets, as ss has them: 0 and 0.
# Why it matters here: a host that sends nothing has kilobytes in its send queues, more with each service that is started. Of
#   wirespan's metrics it is wirespan.tcp.accept_queue.limit and .usage that are in them.
# Needs root, apt-get with Debian 12's lists, iproute2 and Python 3.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
apt-get download 'prometheus-node-exporter=1.5.0*' > apt.log 2>&1
dpkg -x prometheus-node-exporter_*.deb .
cat > listen.py <<'PY'
import socket
import subprocess
import time
import urllib.request

listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(511)
waiting = [socket.create_connection(listener.getsockname()) for _ in range(3)]
arguments = ["--collector.disable-defaults", "--collector.tcpstat", "--web.listen-address=127.0.0.1:9100"]
exporter = subprocess.Popen(["usr/bin/prometheus-node-exporter", *arguments], stderr=subprocess.DEVNULL)
try:
    page = ""
    for _ in range(100):
        try:
            page = urllib.request.urlopen("http://127.0.0.1:9100/metrics").read().decode()
            break
        except OSError:
            time.sleep(0.1)
    for line in page.splitlines():
        if "_queued_bytes" in line:
            print(line)
    rows = subprocess.run(["ss", "-Htn"], capture_output=True, text=True, check=True).stdout.splitlines()
    rows = [row.split() for row in rows]
    print("ss, without listeners:", sum(int(row[1]) for row in rows), sum(int(row[2]) for row in rows))
finally:
    exporter.terminate()
    exporter.wait()
PY
unshare --net sh -c 'ip link set lo up && exec python3 listen.py' | tee seen
diff seen - <<'SEEN'
node_tcp_connection_states{state="rx_queued_bytes"} 3
node_tcp_connection_states{state="tx_queued_bytes"} 4607
ss, without listeners: 0 0
SEEN
