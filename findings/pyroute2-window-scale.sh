#!/usr/bin/env bash
# What: pyroute2 gives a TCP connection's send window scale for both directions.
#   pyroute2 0.9.7. The kernel's tcp_info has both in one byte, the sender's in the lower half. tcp_info.decode() takes the lower half as
#   tcpi_rcv_wscale, and "& 0xF0 >> 4", which Python reads as "& (0xF0 >> 4)", the lower half again, as tcpi_snd_wscale.
#   INET_DIAG_INFO of its DiagSocket and its program ss2 have it from there.
# Seen: a client with a small receive buffer, a server with a large one. ss of iproute2 6.1.0: 2,0 at the client and 0,2 at the server;
#   pyroute2: 2,2 and 0,0. The numbers are of the buffers; that ss has two and pyroute2 one is what is judged.
# Why it matters here: the windows of a packet capture, laid beside wirespan's events, are bytes only with the right scale; with the
#   other end's they are 4 times too large or too small here, more with larger buffers.
# Needs iproute2 and Python 3.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyroute2==0.9.7
cat > "$folder/scales.py" <<'PY'
import re
import socket
import subprocess

from pyroute2 import DiagSocket

ESTABLISHED = 1 << 1
INFO = 1 << 1
listener, client = socket.socket(), socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 200_000)
client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
listener.bind(("127.0.0.1", 0))
listener.listen()
client.connect(listener.getsockname())
server, _ = listener.accept()
ports = {"client": client.getsockname()[1], "server": listener.getsockname()[1]}
with DiagSocket() as diag:
    diag.bind()
    rows = diag.get_sock_stats(family=socket.AF_INET, states=ESTABLISHED, extensions=INFO)
for end, port in ports.items():
    told = subprocess.run(["ss", "-Htin", "state", "established", "sport", "=", f":{port}"], capture_output=True, text=True, check=True)
    info = next(row for row in rows if row["idiag_sport"] == port and row["idiag_dport"] in ports.values()).get_attr("INET_DIAG_INFO")
    sent, received = (int(scale) for scale in re.search(r"wscale:(\d+),(\d+)", told.stdout).groups())
    print(f"{end}: ss {sent},{received}, pyroute2 {info['tcpi_snd_wscale']},{info['tcpi_rcv_wscale']}")
    assert sent != received and info["tcpi_snd_wscale"] == info["tcpi_rcv_wscale"] == sent
print("pyroute2 has one for both, ss does not")
PY
"$folder/venv/bin/python" "$folder/scales.py"
