"""grpc-python.py PORT CONNECTIONS PARALLEL VALUE...: so many channels of grpcio, each with calls at once for its share of the `traceparent` values."""

import sys
from concurrent.futures import ThreadPoolExecutor

import grpc

port, connections, parallel, values = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
# Channels of one target share a connection otherwise.
OPTIONS = [("grpc.use_local_subchannel_pool", 1)]


def work(own):
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=OPTIONS) as channel:
        say = channel.unary_unary("/echo.Echo/Say")
        with ThreadPoolExecutor(parallel) as pool:
            list(pool.map(lambda value: say(b"b" * 600, metadata=[("traceparent", value)], timeout=60), own))


with ThreadPoolExecutor(connections) as pool:
    list(pool.map(work, [values[i::connections] for i in range(connections)]))
