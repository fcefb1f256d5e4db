/** The stock OpenTelemetry SDK for Node, set up by the standard variables alone: `spans COUNT` makes spans and a count of them, and prints their ids. */
import { metrics, trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';

const count = Number(process.argv[2]);
const sdk = new NodeSDK();
sdk.start();
const tracer = trace.getTracer('spans');
const made = metrics.getMeter('spans').createCounter('made');
for (let nth = 0; nth < count; nth += 1) {
  const span = tracer.startSpan(`span ${nth}`, { attributes: { nth, text: 'é'.repeat(nth % 50) } });
  span.end();
  made.add(1);
  console.log(span.spanContext().spanId);
  // What is sent is several requests.
  if (nth % 300 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
}
await sdk.shutdown();
