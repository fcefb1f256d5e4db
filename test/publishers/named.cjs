/**
 * A program that gives itself a name in code, and publishes it with Datadog's tracer: its arguments are name and agent.
 * Each line of its input is a port on loopback, to which it opens a connection and closes it.
 */
const { connect } = require('node:net');
const { createInterface } = require('node:readline');

const [service, url] = process.argv.slice(2);
process.env.DD_INSTRUMENTATION_TELEMETRY_ENABLED = 'false';
process.env.DD_REMOTE_CONFIGURATION_ENABLED = 'false';
require('dd-trace').init({ service, url, startupLogs: false });
console.log('published');
const lines = createInterface(process.stdin);
lines.on('line', (port) => {
  const socket = connect(Number(port), '127.0.0.1', () => socket.destroy());
  socket.on('close', () => console.log('connected'));
});
lines.on('close', () => process.exit());
