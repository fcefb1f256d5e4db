#!/usr/bin/env bash
# What: in a container `ss -s` counts the sockets of the whole host as closed ones of the container.
#   iproute2 6.1.0 of Debian 12; its source of June 2026 is the same. print_summary() takes "alloc" of /proc/net/sockstat for the
#   namespace's TCP sockets and the rest of the line away from it. The kernel (sockstat_seq_show(), here 6.18) fills the line from two places:
#   "inuse" and "tw" are the namespace's, "alloc", "orphan" and "mem" everybody's. node_exporter has the five side by side as node_sockstat_TCP_*.
# Seen: 100 listeners outside; in a new namespace without a TCP socket: sockets of /proc/net/tcp 0, of ss -s 100 or more, all of them "closed".
# Why it matters here: closed sockets that nobody let go of are a leak; here they are one only in the numbers, and no process in the
#   container has them. wirespan counts its sockets by what each process has.
# Needs root, Debian 12 with iproute2 (for its libraries), util-linux and Python 3.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
(cd "$folder" && apt-get download 'iproute2=6.1.0*' > apt.log 2>&1 && dpkg -x iproute2_*.deb .)
export PATH="$folder/bin:$folder/usr/bin:$PATH"
cat > "$folder/look.py" <<'PY'
import re
import socket
import subprocess

INSIDE = ["unshare", "--net", "sh", "-c", "cat /proc/net/tcp /proc/net/tcp6 | grep -vc local_address; ss -s"]
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(100)]
rows, summary = subprocess.run(INSIDE, capture_output=True, text=True).stdout.split("\n", 1)
total, closed = re.search(r"TCP: +(\d+) \(estab 0, closed (\d+)", summary).groups()
print("rows of /proc/net/tcp:", rows)
print("100 or more of ss -s:", int(total) >= len(sockets))
print("closed, all of them:", closed == total)
PY
python3 "$folder/look.py" | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
rows of /proc/net/tcp: 0
100 or more of ss -s: True
closed, all of them: True
SEEN
