"""A program that gives itself a name in code, and publishes it with Datadog's tracer: its arguments are name and agent.

Each line of its input is a port on loopback, to which it opens a connection and closes it.
"""
import os
import socket
import sys

# Set now, so they are in no file below /proc.
os.environ["DD_SERVICE"] = sys.argv[1]
os.environ["DD_TRACE_AGENT_URL"] = sys.argv[2]
os.environ["DD_INSTRUMENTATION_TELEMETRY_ENABLED"] = "false"
os.environ["DD_REMOTE_CONFIGURATION_ENABLED"] = "false"

import ddtrace  # noqa: E402

assert ddtrace.config.service == sys.argv[1]
print("published", flush=True)
for line in sys.stdin:
    socket.create_connection(("127.0.0.1", int(line))).close()
    print("connected", flush=True)
