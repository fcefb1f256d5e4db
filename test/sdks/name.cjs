/** Prints the service.name of a span of the SDK for Node as it starts by itself, as JSON. */
const { NodeSDK } = require('@opentelemetry/sdk-node');
const { trace } = require('@opentelemetry/api');

const traceExporter = {
  export([span], done) {
    console.log(JSON.stringify(span.resource.attributes['service.name']));
    done({ code: 0 });
  },
  shutdown: async () => undefined,
};
const sdk = new NodeSDK({ traceExporter });
sdk.start();
trace.getTracer('name').startSpan('name').end();
void sdk.shutdown();
