/**
 * An OTLP/gRPC receiver that says yes to everything: a process of its own, so that its cost is not the agent's.
 * With `tally` it adds up what it gets, and tells it as a line for each line of standard input.
 */
import {
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { OtlpTally } from './soak/tally.ts';

const METHODS = [
  ['metrics', '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export'],
  ['traces', '/opentelemetry.proto.collector.trace.v1.TraceService/Export'],
  ['logs', '/opentelemetry.proto.collector.logs.v1.LogsService/Export'],
] as const;

function asIs(bytes: Buffer): Buffer {
  return bytes;
}

const tally = process.argv[2] === 'tally' ? new OtlpTally() : undefined;
if (tally !== undefined)
  process.stdin.on('data', () => process.stdout.write(`${JSON.stringify(tally.read())}\n`));

const server = new Server({ 'grpc.max_receive_message_length': -1 });
for (const [signal, path] of METHODS) {
  const method = { path, requestStream: false, responseStream: false };
  const codec = {
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
  const service: ServiceDefinition = { Export: { ...method, ...codec } };
  const implementation: UntypedServiceImplementation = {
    Export: (call: { request: Buffer }, answer: (error: null, response: Buffer) => void) => {
      tally?.add(signal, call.request);
      answer(null, Buffer.alloc(0));
    },
  };
  server.addService(service, implementation);
}
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  process.stdout.write(`${String(port)}\n`);
});
