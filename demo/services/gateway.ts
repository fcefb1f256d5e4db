/** GET /orders/ID: asks the orders service over gRPC with TLS, and answers with JSON. Prints `listening` when both are ready. */
import { createServer, type ServerResponse } from 'node:http';
import * as grpc from '@grpc/grpc-js';
import { trace } from '@opentelemetry/api';
import { fileOf, Orders, setting, type OrdersClient } from './orders-api.ts';

const PATH = /^\/orders\/(\d+)$/;
const READY_WITHIN_MS = 10_000;

const orders = new Orders(
  setting('ORDERS'),
  grpc.credentials.createSsl(fileOf('TLS_CA')),
) as unknown as OrdersClient;

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

const server = createServer((request, response) => {
  const id = PATH.exec(request.url ?? '')?.[1];
  if (id === undefined) {
    answer(response, 404, { error: 'there is /orders/ID' });
    return;
  }
  const span = trace.getActiveSpan();
  // Without a framework nobody else knows the route.
  span?.updateName('GET /orders/{id}').setAttribute('http.route', '/orders/{id}');
  response.setHeader('x-trace-id', span?.spanContext().traceId ?? '');
  orders.Get({ id: Number(id) }, (error, order) => {
    if (error === null && order !== undefined) answer(response, 200, order);
    else answer(response, 502, { error: error?.details });
  });
});

orders.waitForReady(Date.now() + READY_WITHIN_MS, (error) => {
  if (error !== undefined && error !== null) throw error;
  server.listen(Number(setting('PORT')), '127.0.0.1', () => console.log('listening'));
});
