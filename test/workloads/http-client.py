"""http-client.py PORT VALUE...: a request for each `traceparent` value over one connection of http.client; prints its local port."""

import http.client
import sys

connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=30)
for value in sys.argv[2:]:
    connection.request("GET", "/a", headers={"traceparent": value})
    connection.getresponse().read()
print(connection.sock.getsockname()[1])
