#!/usr/bin/env bash
# What: when a network interface is made anew under its name, psutil adds what the old one had sent to some of its numbers, and not to others.
#   psutil 7.2.2. net_io_counters() takes a number that became smaller for one that overflowed, and adds the earlier value to it for good
#   (_WrapNumbers.run()), each number for itself: of an interface that had more bytes but fewer packets than the new one has, the bytes
#   go on and the packets begin again. A process that asks for the first time has the new interface alone. "nowrap=False" has the kernel's.
# Seen: 100 packets of 1,042 bytes; the interface is removed and made again; 200 of 142 bytes. The kernel: 28,400 bytes, 200 packets. A
#   process that asked before: 132,600 bytes and 200 packets, 663 bytes a packet; one that did not: 28,400 and 200.
# Why it matters here: VPNs, pods and drivers that are loaded again do that. OpenTelemetry's system metrics for Python are these numbers:
#   their packets lack those of the old interface, their bytes do not, and neither is what wirespan or a second process has.
# Needs root, iproute2, util-linux and Python 3.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check psutil==7.2.2
cat > made.sh <<'SH'
set -euo pipefail
ip link delete tunnel 2> deleted || true
ip link add tunnel type veth peer name peer
ip link set peer up
ip link set tunnel up
ip address add 192.0.2.1/24 dev tunnel
ip neighbour replace 192.0.2.2 lladdr 02:00:00:00:00:02 dev tunnel
SH
cat > count.py <<'PY'
import socket
import subprocess
import sys

import psutil


def make():
    subprocess.run(["bash", "made.sh"], check=True)


def send(count, size):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(count):
            sender.sendto(bytes(size), ("192.0.2.2", 9))


def show(who, **options):
    counters = psutil.net_io_counters(pernic=True, **options)["tunnel"]
    print(f"{who}: bytes {counters.bytes_sent}, packets {counters.packets_sent}", flush=True)


if sys.argv[1:] == ["first"]:
    show("asked for the first time")
else:
    make()
    send(100, 1000)
    show("before")
    make()
    send(200, 100)
    show("asked before")
    show("the kernel's", nowrap=False)
    subprocess.run([sys.executable, "count.py", "first"], check=True)
PY
# In a network namespace of its own, where nothing else is sent.
unshare --net bash -c 'echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6 && exec venv/bin/python count.py' | tee seen
diff seen - <<'SEEN'
before: bytes 104200, packets 100
asked before: bytes 132600, packets 200
the kernel's: bytes 28400, packets 200
asked for the first time: bytes 28400, packets 200
SEEN
