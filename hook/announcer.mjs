import { Buffer } from 'node:buffer';

const VERSION = 1;
const [FLAGS_AT, TRACE_AT, SPAN_AT, BYTES] = [1, 2, 18, 26];
const NONE = { traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 };
/** What makes the system call of a handle, by the address's family. */
const CONNECTS = new Map([
  [4, 'connect'],
  [6, 'connect6'],
]);

/**
 * Says of sockets for whom their next bytes are, and for whom they connect. Nothing it does reaches the application: it
 * throws nothing, and a refused call is none of its business.
 */
export class Announcer {
  #calls;
  #value = Buffer.alloc(BYTES);
  /** Who uses a socket now: `owner` is a request. */
  #users = new WeakMap();
  /** For whom a socket connects, while no request has it. */
  #openers = new WeakMap();
  #watched = new WeakSet();

  /** `calls` as of the addon. */
  constructor(calls) {
    this.#calls = calls;
    this.#value[0] = VERSION;
  }

  /** The socket connects for this span. What it carries is nobody's until a request begins. */
  open(socket, context) {
    if (context === undefined) return;
    this.#openers.set(socket, context);
    this.#watchAttempts(socket);
  }

  /** All that the socket carries from here on is told by `begin()`, under this name for it: what was said under others is over. */
  take(socket) {
    this.#users.set(socket, { owner: undefined, context: undefined });
  }

  /** The socket is this request's from here on. Without a context its bytes are nobody's. */
  begin(socket, owner, context) {
    const before = this.#users.get(socket);
    if (context === undefined && before === undefined && !this.#openers.has(socket)) return;
    this.#users.set(socket, { owner, context });
    if (!socket.connecting) {
      this.#say(socket, isFlushed(socket) ? context : undefined);
      return;
    }
    this.#say(socket, context);
    if (before === undefined) this.#whenConnected(socket);
  }

  /** The request is over: what the socket does until its next one is nobody's. */
  end(socket, owner) {
    const user = this.#users.get(socket);
    if (user?.owner !== owner || user.context === undefined) return;
    this.#users.set(socket, { owner: undefined, context: undefined });
    this.#say(socket, undefined);
  }

  /**
   * What is written until the returned call is of this context, and what comes before and after it nobody's: where a client does not say
   * when it is done with a socket, but writes each command within a call. What waits meanwhile goes out later, and is nobody's too.
   */
  write(socket, owner, context) {
    if (context === undefined || socket?.connecting !== false) return undefined;
    this.begin(socket, owner, context);
    return () => this.end(socket, owner);
  }

  /** Whoever has the socket by then: a request may give it up while it connects. What waits to be written is of that one. */
  #whenConnected(socket) {
    this.#watchAttempts(socket);
    // Before anybody writes.
    socket.prependOnceListener('connect', () => this.#say(socket, this.#users.get(socket)?.context));
  }

  /** Each attempt has a kernel's socket of its own: of every address that the name has, one after the other. */
  #watchAttempts(socket) {
    if (this.#watched.has(socket)) return;
    this.#watched.add(socket);
    socket.on('connectionAttempt', (_address, _port, family) => {
      try {
        this.#attempt(socket, socket._handle, CONNECTS.get(family));
      } catch {
        // Network events are not worth a request.
      }
    });
  }

  /**
   * The handle makes the kernel's socket inside its call, and a refusal may come back within that: so it is said of the
   * thread's next connect() right before, and taken back right after, and nothing else runs in between.
   */
  #attempt(socket, handle, name) {
    const context = this.#connectContext(socket);
    const connect = handle?.[name];
    if (context === undefined || typeof connect !== 'function') return;
    const isOwn = Object.hasOwn(handle, name);
    handle[name] = (...args) => {
      if (isOwn) handle[name] = connect;
      else delete handle[name];
      const isTaken = this.#sayNext(context);
      try {
        return connect.apply(handle, args);
      } finally {
        if (isTaken) this.#sayNext(undefined);
        if (this.#users.has(socket)) this.#say(socket, this.#users.get(socket).context);
      }
    };
  }

  #connectContext(socket) {
    return this.#users.has(socket) ? this.#users.get(socket).context : this.#openers.get(socket);
  }

  #say(socket, context) {
    try {
      const fd = socket._handle?.fd;
      if (fd >= 0) this.#calls.announce(fd, this.#valueOf(context));
    } catch {
      // Network events are not worth a request.
    }
  }

  /** Tells whether somebody listens. */
  #sayNext(context) {
    try {
      return this.#calls.announceConnect(this.#valueOf(context)) === 0;
    } catch {
      return false;
    }
  }

  #valueOf(context = NONE) {
    this.#value[FLAGS_AT] = context.traceFlags;
    this.#value.write(context.traceId, TRACE_AT, 'hex');
    this.#value.write(context.spanId, SPAN_AT, 'hex');
    return this.#value;
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
