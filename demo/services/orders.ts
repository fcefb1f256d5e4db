/** The orders service: gRPC with TLS, orders in PostgreSQL, counts of views in Redis. Prints `listening` when it is ready. */
import * as grpc from '@grpc/grpc-js';
import { Redis } from 'ioredis';
import pg from 'pg';
import { fileOf, Orders, type Order, type OrderId } from './orders-api.ts';
import { setting } from './setting.ts';

// Both connect when the first order is asked for.
const database = new pg.Pool({ connectionString: setting('DATABASE_URL') });
const redis = new Redis(setting('REDIS_URL'), {
  lazyConnect: true,
  enableReadyCheck: false,
  disableClientInfo: true,
});

async function find({ id }: OrderId): Promise<Order | undefined> {
  if (redis.status === 'wait') await redis.connect();
  const views = await redis.incr(`views:${id}`);
  const found = await database.query<{ customer: string; items: string[] }>(
    'SELECT customer, items FROM orders WHERE id = $1',
    [id],
  );
  const [row] = found.rows;
  return row === undefined ? undefined : { id, ...row, views };
}

const server = new grpc.Server();
server.addService(Orders.service, {
  Get: (call: grpc.ServerUnaryCall<OrderId, Order>, answer: grpc.sendUnaryData<Order>): void => {
    find(call.request).then(
      (order) =>
        order === undefined
          ? answer({ code: grpc.status.NOT_FOUND, details: 'there is no such order' })
          : answer(null, order),
      (error: unknown) => answer({ code: grpc.status.INTERNAL, details: String(error) }),
    );
  },
});
const keys = [{ cert_chain: fileOf('TLS_CERT'), private_key: fileOf('TLS_KEY') }];
server.bindAsync(setting('LISTEN'), grpc.ServerCredentials.createSsl(null, keys), (error) => {
  if (error !== null) throw error;
  console.log('listening');
});
