import type { RecordMode } from '../kernel.ts';

/** Requests and what is known of connections, asked of the kernel. */
export interface ConnectionOptions {
  readonly emit: {
    readonly open: boolean;
    readonly accept: boolean;
    readonly fail: boolean;
    readonly close: RecordMode;
    readonly handshake: boolean;
    /** At each pass, of those that moved payload. */
    readonly live: boolean;
  };
  /** Trace context of HTTP/1 requests. */
  readonly requests: boolean;
  /** Such contexts are read where requests arrive, too. */
  readonly arrivals: boolean;
  /** Trace context that applications announce. */
  readonly hook: boolean;
  /** Trace context that threads publish in their memory. */
  readonly threadContext: boolean;
  readonly rttVariation: boolean;
  readonly transferSize: boolean;
  /** Rows by peer address: of no one, of what clients connect to, or of everyone. */
  readonly peerAddress: 'off' | 'clients' | 'all';
  /** `serverAddress`: rows by the address of the server's end. */
  readonly details: { readonly serverAddress: boolean };
}
