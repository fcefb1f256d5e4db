#!/usr/bin/env bash
# What: the OTLP exporter over gRPC of the JavaScript SDK does not connect to the port 80 that its URL names.
#   @opentelemetry/exporter-trace-otlp-grpc 0.301.0 with @grpc/grpc-js 1.14.7. A URL object keeps no port that its scheme
#   has by default, and a gRPC target without a port is that library's default, 443.
# Seen: for http://127.44.55.66:80 nothing is asked of port 80, and port 443 gets the connection, without TLS.
# Why it matters here: a collector behind an ordinary ingress on port 80 is never reached; who listens on 443 is.
# Needs root, or ports 80 and 443 free for a user, on one address of the loopback.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --ignore-scripts --no-audit --no-fund \
  @opentelemetry/exporter-trace-otlp-grpc@0.301.0 @grpc/grpc-js@1.14.7 @opentelemetry/api@1.10.0
cat > export.js <<'JS'
const net = require('node:net');
const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-grpc');

const host = '127.44.55.66';
const asked = new Map([80, 443].map((port) => [port, false]));
for (const port of asked.keys()) {
  const server = net.createServer((socket) => {
    asked.set(port, true);
    socket.destroy();
  });
  server.listen(port, host);
}
const exporter = new OTLPTraceExporter({ url: `http://${host}:80`, timeoutMillis: 1500 });
exporter.export([], () => {
  for (const [port, isAsked] of asked) console.log(`${port}: ${isAsked ? 'asked' : 'not asked'}`);
  process.exit(0);
});
JS
node export.js | tee seen
diff seen - <<'SEEN'
80: not asked
443: asked
SEEN
