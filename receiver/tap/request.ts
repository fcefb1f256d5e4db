import type { BodyForm } from '../export/body-form.ts';
import type { Signal } from '../export/options.ts';

/** An OTLP request of an application. */
export interface TapRequest {
  readonly signal: Signal;
  /** As they came; of gRPC the message, uncompressed. */
  readonly bytes: Uint8Array;
  /** Absent over gRPC. */
  readonly form?: BodyForm;
  /** The address of who sent it. */
  readonly from: string;
  /** Value of `FORWARDED_BY` that it came with. */
  readonly forwardedBy: string | undefined;
}

/** What the application is answered. `retry`: its SDK keeps the request and sends it again. */
export type TapAnswer =
  | { readonly status: 'taken' }
  | { readonly status: 'retry' | 'too_large' | 'unsupported' | 'loop'; readonly cause: string };

export type TapRefusal = Exclude<TapAnswer, { status: 'taken' }>;

/** Takes requests of applications. */
export interface TapSink {
  /** Never rejects. */
  offer(request: TapRequest): Promise<TapAnswer>;
  /** One of which not all was read, since it is too large, finds no room, or is of no type that OTLP has. */
  refuse(signal: Signal, failure: 'too_large' | 'queue_full' | 'unsupported'): TapRefusal;
}

/** Header, and metadata, of requests that are sent on: who sent them on. One that comes back is not sent again. */
export const FORWARDED_BY = 'wirespan-forwarded-by';
