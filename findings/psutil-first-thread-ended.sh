#!/usr/bin/env bash
# What: a server whose first thread has ended serves on, and psutil takes it for a zombie without connections.
#   psutil 7.2.2. A process lives as long as one of its threads (main() may end with pthread_exit()), but
#   /proc/PID/fd, stat, exe and cmdline tell of the first thread alone. Its other threads' folders below
#   /proc/PID/task have what is asked for.
# Seen: status "zombie"; its own net_connections() empty; cmdline() raises ZombieProcess; the host's net_connections()
#   has the listener with pid None; the server answers; /proc/PID/task/TID/fd has the listener.
# Why it matters here: a connection "of nobody" beside wirespan's, which names its owner, is one of these.
# Needs Linux on x86-64 or arm64 with Python 3, and root for the host's connections.
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check psutil==7.2.2
cat > server.py <<'PY'
import ctypes
import platform
import socket
import threading

listener = socket.create_server(("127.0.0.1", 0))


def serve():
    while True:
        connection, _ = listener.accept()
        connection.sendall(b"served")
        connection.close()


threading.Thread(target=serve).start()
print(listener.getsockname()[1], flush=True)
# exit(2) of this thread alone, not exit_group(2).
ctypes.CDLL(None).syscall({"x86_64": 60, "aarch64": 93}[platform.machine()], 0)
PY
venv/bin/python server.py > port &
server=$!
cat > look.py <<'PY'
import os
import socket
import sys
import time

import psutil

pid = int(sys.argv[1])
while not open("port").read().endswith("\n"):
    time.sleep(0.05)
port = int(open("port").read())
process = psutil.Process(pid)
while process.status() != "zombie":
    time.sleep(0.05)
print("status:", process.status())
print("its connections:", process.net_connections())
try:
    print("its command:", process.cmdline())
except psutil.ZombieProcess as error:
    print("its command:", type(error).__name__)
print("owner:", [c.pid for c in psutil.net_connections("tcp") if c.status == "LISTEN" and c.laddr.port == port])
print("answer:", socket.create_connection(("127.0.0.1", port)).recv(16).decode())
threads = [f"/proc/{pid}/task/{tid}/fd" for tid in os.listdir(f"/proc/{pid}/task") if int(tid) != pid]
print("sockets by its thread:", any(os.readlink(f"{fds}/{fd}").startswith("socket:") for fds in threads for fd in os.listdir(fds)))
PY
timeout 30 venv/bin/python look.py "$server" | tee seen
diff seen - <<'SEEN'
status: zombie
its connections: []
its command: ZombieProcess
owner: [None]
answer: served
sockets by its thread: True
SEEN
