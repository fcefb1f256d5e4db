import { Buffer } from 'node:buffer';

const VERSION = 1;
const [FLAGS_AT, TRACE_AT, SPAN_AT, BYTES] = [1, 2, 18, 26];
const NONE = { traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 };

/**
 * Says of sockets for whom their next bytes are. Nothing it does reaches the application: it throws nothing, and a
 * refused call is none of its business.
 */
export class Announcer {
  #announce;
  #value = Buffer.alloc(BYTES);
  /** Who uses a socket now: `owner` is a request. */
  #users = new WeakMap();

  constructor(announce) {
    this.#announce = announce;
    this.#value[0] = VERSION;
  }

  /** The socket is this request's from here on. Without a context its bytes are nobody's. */
  begin(socket, owner, context) {
    const before = this.#users.get(socket);
    if (context === undefined && before === undefined) return;
    this.#users.set(socket, { owner, context });
    if (!socket.connecting) this.#say(socket, isFlushed(socket) ? context : undefined);
    else if (before === undefined) this.#whenConnected(socket);
  }

  /** The request is over: what the socket does until its next one is nobody's. */
  end(socket, owner) {
    const user = this.#users.get(socket);
    if (user?.owner !== owner || user.context === undefined) return;
    this.#users.set(socket, { owner: undefined, context: undefined });
    this.#say(socket, undefined);
  }

  /** Whoever has the socket by then: a request may give it up while it connects. What waits to be written is of that one. */
  #whenConnected(socket) {
    const say = () => this.#say(socket, this.#users.get(socket)?.context);
    // The descriptor is there when connect() was called, right after this event: its SYN may be lost.
    socket.on('connectionAttempt', () => void Promise.resolve().then(say));
    // Before anybody writes.
    socket.prependOnceListener('connect', say);
  }

  #say(socket, context) {
    try {
      const fd = socket._handle?.fd;
      if (!(fd >= 0)) return;
      const { traceId, spanId, traceFlags } = context ?? NONE;
      this.#value[FLAGS_AT] = traceFlags;
      this.#value.write(traceId, TRACE_AT, 'hex');
      this.#value.write(spanId, SPAN_AT, 'hex');
      this.#announce(fd, this.#value);
    } catch {
      // Network events are not worth a request.
    }
  }
}

/** Bytes that wait here go out later, and are of another request: then the next ones are nobody's. */
function isFlushed(socket) {
  return socket.writableLength === 0 && !(transportOf(socket)?.writeQueueSize > 0);
}

/**
 * What the kernel's socket belongs to, under TLS. TLS counts bytes as waiting until it hears, a turn later, that they were
 * written: after each handshake.
 */
function transportOf({ _handle: handle }) {
  return handle?._parent ?? handle;
}
