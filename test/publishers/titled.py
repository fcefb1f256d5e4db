"""A server as gunicorn is one: it sets a title, which overwrites its environment, and its worker does the work.

Each line of its input is a port on loopback, to which the worker opens a connection and closes it.
"""
import os
import socket
import sys

import setproctitle

setproctitle.setproctitle("titled: master")
if os.fork():
    os.wait()
    sys.exit()
setproctitle.setproctitle("titled: worker")
with open("/proc/self/environ", "rb") as environ:
    assert b"OTEL_SERVICE_NAME" not in environ.read()
print("titled", flush=True)
for line in sys.stdin:
    socket.create_connection(("127.0.0.1", int(line))).close()
    print("connected", flush=True)
