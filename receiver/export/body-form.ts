/** How the body of an OTLP request over HTTP is written, where that is not left to the connection. */
export interface BodyForm {
  readonly type: 'application/x-protobuf' | 'application/json';
  /** `Content-Encoding` that the bytes already have; absent: none, and none is added. */
  readonly encoding?: string;
}
