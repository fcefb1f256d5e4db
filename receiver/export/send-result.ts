/** What became of one request. */
export type SendResult =
  /** Taken; `rejected` of its items were not (OTLP partial success), for the reason in `message`. */
  | { readonly status: 'taken'; readonly rejected: number; readonly message: string }
  /** Not taken, and never will be. */
  | { readonly status: 'rejected'; readonly cause: string }
  /** Not taken, since it is larger than the collector or a proxy in front of it takes: in parts it may be. */
  | { readonly status: 'too_large'; readonly cause: string }
  /** Never sent: it cannot be encoded, a defect. */
  | { readonly status: 'unencodable'; readonly cause: string }
  /** Not taken now. `afterMs`: the earliest time at which the collector wants it again. */
  | { readonly status: 'retry'; readonly cause: string; readonly afterMs: number };

/** What came back: the bytes of an answer that says "taken", or what became of the request instead. */
export type Answer = { readonly status: 'answered'; readonly bytes: Uint8Array } | SendResult;
