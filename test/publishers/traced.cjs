/**
 * A service that Datadog's tracer observes, and that publishes its contexts (`DD_TRACE_OTEL_CTX_ENABLED`): arguments are a
 * certificate, its key and the tracer's agent. Each line of its input is a request to itself over TLS, on a connection of its own,
 * in a trace that is kept; it prints the `traceparent` that the request had.
 */
const { readFileSync } = require('node:fs');
const { createInterface } = require('node:readline');

const [cert, key, url] = process.argv.slice(2);
process.env.DD_INSTRUMENTATION_TELEMETRY_ENABLED = 'false';
process.env.DD_REMOTE_CONFIGURATION_ENABLED = 'false';
// A connect has no span of its own, so it is within that of the request.
process.env.DD_TRACE_DISABLED_PLUGINS = 'net,dns';
process.env.DD_TRACE_OTEL_CTX_ENABLED = 'true';
const tracer = require('dd-trace').init({ service: 'traced', url, startupLogs: false });
const https = require('node:https');

let traceparent;
const options = { cert: readFileSync(cert), key: readFileSync(key) };
const server = https.createServer(options, (request, response) => {
  traceparent = request.headers.traceparent;
  response.end('done');
});
server.listen(0, '127.0.0.1', () => {
  const to = { port: server.address().port, host: '127.0.0.1', rejectUnauthorized: false, agent: false };
  const lines = createInterface(process.stdin);
  lines.on('line', () =>
    tracer.trace('handler', { tags: { 'manual.keep': true } }, (_span, done) => {
      https.get(to, (response) => {
        response.resume();
        response.on('end', () => {
          done();
          console.log(traceparent);
        });
      });
    }),
  );
  lines.on('close', () => process.exit());
  console.log('listening');
});
