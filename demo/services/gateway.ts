/**
 * GET /orders/ID asks the orders service over gRPC with TLS, GET /stock/ID the stock service over HTTP/1.1; the answers are JSON.
 * Prints `listening` when it and orders are ready.
 */
import { createServer, get, type ServerResponse } from 'node:http';
import * as grpc from '@grpc/grpc-js';
import { trace } from '@opentelemetry/api';
import { fileOf, Orders, type OrdersClient } from './orders-api.ts';
import { setting } from './setting.ts';

const PATH = /^\/(orders|stock)\/(\d+)$/;
const READY_WITHIN_MS = 10_000;

const orders = new Orders(
  setting('ORDERS'),
  grpc.credentials.createSsl(fileOf('TLS_CA')),
) as unknown as OrdersClient;

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function askOrders(id: string, response: ServerResponse): void {
  orders.Get({ id: Number(id) }, (error, order) => {
    if (error === null && order !== undefined) answer(response, 200, order);
    else answer(response, 502, { error: error?.details });
  });
}

/** On a connection of its own. */
function askStock(id: string, response: ServerResponse): void {
  get(`http://${setting('STOCK')}/stock/${id}`, { agent: false }, (stock) => {
    response.writeHead(stock.statusCode ?? 502, stock.headers);
    stock.pipe(response);
  }).on('error', ({ message }) => answer(response, 502, { error: message }));
}

const server = createServer((request, response) => {
  const [, what, id] = PATH.exec(request.url ?? '') ?? [];
  if (what === undefined || id === undefined) {
    answer(response, 404, { error: 'there are /orders/ID and /stock/ID' });
    return;
  }
  const span = trace.getActiveSpan();
  // Without a framework nobody else knows the route.
  const route = `/${what}/{id}`;
  span?.updateName(`GET ${route}`).setAttribute('http.route', route);
  response.setHeader('x-trace-id', span?.spanContext().traceId ?? '');
  (what === 'orders' ? askOrders : askStock)(id, response);
});

orders.waitForReady(Date.now() + READY_WITHIN_MS, (error) => {
  if (error !== undefined && error !== null) throw error;
  server.listen(Number(setting('PORT')), '127.0.0.1', () => console.log('listening'));
});
