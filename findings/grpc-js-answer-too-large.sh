#!/usr/bin/env bash
# What: for a client of @grpc/grpc-js a request that the server refused for its size, and an answer that was too large
#   for the client itself, after the server did the work, end alike.
#   @grpc/grpc-js 1.14.7 with a server of grpcio 1.85.3. Both are RESOURCE_EXHAUSTED without status details; the words
#   alone tell them apart: the server's begin with "SERVER: " and have "vs." with a dot.
# Seen: refused: code 8, handled 0 times; answered: code 8, handled 1 time.
# Why it matters here: an exporter that halves what was refused and sends it again would send twice what had arrived.
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check grpcio==1.85.3
(cd "$folder" && npm init -y > /dev/null && npm install --silent --ignore-scripts --no-audit --no-fund @grpc/grpc-js@1.14.7)
cat > "$folder/server.py" <<'PYTHON'
import sys
import time
from concurrent import futures

import grpc

handled = 0


def echo(request, _context):
    """Answers with as many bytes as the request asks for."""
    global handled
    if request == b"?":
        return str(handled).encode()
    handled += 1
    return b"a" * 20000


class Handler(grpc.GenericRpcHandler):
    def service(self, _call):
        return grpc.unary_unary_rpc_method_handler(echo)


server = grpc.server(futures.ThreadPoolExecutor(1), options=[("grpc.max_receive_message_length", 10000)])
server.add_generic_rpc_handlers((Handler(),))
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
time.sleep(60)
PYTHON
"$folder/venv/bin/python" "$folder/server.py" > "$folder/port" &
server=$!
for _ in $(seq 100); do [ -s "$folder/port" ] && break; sleep 0.1; done
cat > "$folder/client.js" <<'JS'
const grpc = require('@grpc/grpc-js');
const same = (bytes) => bytes;
const client = new grpc.Client(`127.0.0.1:${process.argv[2]}`, grpc.credentials.createInsecure(), {
  'grpc.max_receive_message_length': 10000,
});
const call = (request) =>
  new Promise((resolve) =>
    client.makeUnaryRequest('/a.B/C', same, same, request, (error, answer) => resolve({ error, answer })),
  );
async function show(what, request) {
  const { error } = await call(request);
  const { answer } = await call(Buffer.from('?'));
  const details = error.metadata.get('grpc-status-details-bin').length;
  console.log(`${what}: code ${error.code}, ${error.details}; status details ${details}; handled ${answer}`);
}
show('refused', Buffer.alloc(20000)).then(() => show('answered', Buffer.from('!'))).then(() => client.close());
JS
node "$folder/client.js" "$(cat "$folder/port")" | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
refused: code 8, SERVER: Received message larger than max (20000 vs. 10000); status details 0; handled 0
answered: code 8, Received message larger than max (20000 vs 10000); status details 0; handled 1
SEEN
