/** An OTLP/gRPC receiver that says yes to everything: a process of its own, so that its cost is not the agent's. */
import {
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';

const METHODS = [
  '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
  '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
];

function asIs(bytes: Buffer): Buffer {
  return bytes;
}

const server = new Server({ 'grpc.max_receive_message_length': -1 });
for (const path of METHODS) {
  const method = { path, requestStream: false, responseStream: false };
  const codec = {
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
  const service: ServiceDefinition = { Export: { ...method, ...codec } };
  const implementation: UntypedServiceImplementation = {
    Export: (_call: unknown, answer: (error: null, response: Buffer) => void) =>
      answer(null, Buffer.alloc(0)),
  };
  server.addService(service, implementation);
}
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  process.stdout.write(`${String(port)}\n`);
});
