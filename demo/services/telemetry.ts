/** The stock OpenTelemetry SDK, as an application loads it: `node --import ./telemetry.ts app.ts`. Nothing here is of wirespan. */
import { register } from 'node:module';
import { GrpcInstrumentation } from '@opentelemetry/instrumentation-grpc';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { IORedisInstrumentation } from '@opentelemetry/instrumentation-ioredis';
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg';
import { NodeSDK } from '@opentelemetry/sdk-node';

// Modules that are imported are instrumented by this hook of OpenTelemetry's, those that are required without it.
register('@opentelemetry/instrumentation/hook.mjs', import.meta.url);

const sdk = new NodeSDK({
  instrumentations: [
    new HttpInstrumentation(),
    new GrpcInstrumentation(),
    new PgInstrumentation(),
    new IORedisInstrumentation(),
  ],
});
sdk.start();
process.once('SIGTERM', () => void sdk.shutdown().finally(() => process.exit(0)));
