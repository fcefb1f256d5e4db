import { subscribe } from 'node:diagnostics_channel';
import { setImmediate } from 'node:timers';
import { headerContext } from './context.mjs';

const NAME = 'traceparent';

/**
 * Requests over HTTP/2, those of `@grpc/grpc-js` among them. One write of a session holds frames of all its streams, so the
 * session's bytes are a stream's only while it is the one that is open, and nobody's as soon as there is another.
 * Node before 24.2 tells of no streams.
 */
export function hookHttp2(announcer) {
  const sessions = new WeakMap();
  on('http2.client.stream.start', ({ stream, headers }) => {
    const { session } = stream;
    if (!sessions.has(session)) sessions.set(session, new SessionUse(announcer, session.socket));
    const use = sessions.get(session);
    use.start(stream, carriedContext(headers));
    stream.once('close', () => use.end(stream));
  });
  on('http2.client.stream.finish', ({ stream }) => sessions.get(stream.session)?.respond(stream));
  on('http2.client.stream.close', ({ stream }) => sessions.get(stream.session)?.end(stream));
}

/** Which streams of a session are open. */
class SessionUse {
  #announcer;
  #socket;
  #open = new Set();
  /** All that their requests are was sent before their response began. */
  #sent = new WeakSet();
  /** There were several at once, until there is none. */
  #isMixed = false;
  /** Streams that are over, and may have frames that are not written yet. */
  #leftovers = 0;

  /** `socket`: the session's own name for it, not the one that undici connected. */
  constructor(announcer, socket) {
    this.#announcer = announcer;
    this.#socket = socket;
    announcer.take(socket);
  }

  /** Its first frame is not written yet. */
  start(stream, context) {
    this.#forgetFinished();
    if (this.#open.size > 0 || this.#leftovers > 0) this.#isMixed = true;
    this.#open.add(stream);
    if (this.#isMixed) this.#announcer.begin(this.#socket, this, undefined);
    else this.#announcer.begin(this.#socket, stream, context);
  }

  /** Its response begins. */
  respond(stream) {
    if (stream.state.localClose === 1) this.#sent.add(stream);
  }

  /** Told by Node's channel, and where that is silent by the stream itself. */
  end(stream) {
    if (!this.#open.delete(stream)) return;
    this.#announcer.end(this.#socket, stream);
    if (!this.#sent.has(stream) || stream.rstCode !== 0) this.#awaitLeftovers();
    if (this.#open.size === 0) this.#isMixed = false;
  }

  /** Node tells of a stream's end after its last data, which an application may answer with its next request. */
  #forgetFinished() {
    for (const stream of this.#open)
      if (stream.readableEnded && this.#sent.has(stream)) this.#open.delete(stream);
    if (this.#open.size === 0) this.#isMixed = false;
  }

  /** A RST_STREAM, or the end of a request that its response was faster than: nghttp2 writes it in this turn. */
  #awaitLeftovers() {
    this.#leftovers += 1;
    setImmediate(() => {
      this.#leftovers -= 1;
    });
  }
}

/** What the stream carries is what its server sees. The span that is active may be that of whoever had its channel opened. */
function carriedContext(headers) {
  const [name, another] = Object.keys(headers ?? {}).filter((key) => key.toLowerCase() === NAME);
  return name === undefined || another !== undefined ? undefined : headerContext(headers[name]);
}

function on(channel, handle) {
  subscribe(channel, (message) => {
    try {
      handle(message);
    } catch {
      // Network events are not worth a request.
    }
  });
}
