/** What orders.proto says, as the two services use it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { setting } from './setting.ts';

export interface OrderId {
  readonly id: number;
}

export interface Order {
  readonly id: number;
  readonly customer: string;
  readonly items: readonly string[];
  readonly views: number;
}

/** A client of it. */
export interface OrdersClient extends grpc.Client {
  Get(request: OrderId, answer: (error: grpc.ServiceError | null, order?: Order) => void): void;
}

interface Package {
  readonly shop: { readonly Orders: grpc.ServiceClientConstructor };
}

const loaded = grpc.loadPackageDefinition(loadSync(join(import.meta.dirname, 'orders.proto')));

/** The service and the class of its clients. */
export const { Orders } = (loaded as unknown as Package).shop;

/** Bytes of the file that a variable names. */
export function fileOf(name: string): Buffer {
  return readFileSync(setting(name));
}
