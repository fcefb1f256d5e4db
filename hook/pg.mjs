import { activeSpan, liveContextOf } from './context.mjs';
import { onPackage } from './modules.mjs';
import { attempt, wrapMethod } from './wrap.mjs';

/** Instrumentations wrap the client's file as well as the package, and the hook has to be there before the first. */
const PACKAGE = { name: 'pg', main: 'lib/index.js', part: './client', majors: [8] };
const POOL_PACKAGE = { name: 'pg-pool', main: 'index.js', majors: [3] };

/** Queries of `pg`: each is written within a call of its own `submit()`. */
export function hookPg(announcer, clientSpans) {
  const pools = new Pools();
  onPackage(POOL_PACKAGE, (Pool) => {
    wrapMethod(Pool.prototype, 'connect', (_pool, args) => pools.connect(args));
  });
  onPackage(PACKAGE, (Client) => {
    clientSpans.watch();
    const queries = new Queries(announcer, clientSpans, pools);
    wrapMethod(Client.prototype, 'connect', (client) => queries.open(client));
    wrapMethod(Client.prototype, 'query', (client) => queries.ask(client));
    wrapMethod(Client.Query.prototype, 'submit', (query, [connection]) => queries.submit(query, connection));
  });
}

/** Who asked for which query, from the call on: it may wait for those before it, and is then written in the context of the socket. */
class Queries {
  #announcer;
  #clientSpans;
  #pools;
  /** The span that was active when a client was told to connect: what its socket calls back is in that one. */
  #openers = new WeakMap();
  /** By query: the span that is announced. */
  #spans = new WeakMap();
  /** The call of `query()` that is under way. */
  #asking;

  constructor(announcer, clientSpans, pools) {
    this.#announcer = announcer;
    this.#clientSpans = clientSpans;
    this.#pools = pools;
  }

  open(client) {
    this.#openers.set(client, activeSpan());
  }

  /** All queries come this way, so of those that are not known yet there is one at most: the call's own. */
  ask(client) {
    if (queueOf(client) === undefined) return undefined;
    const before = this.#asking;
    const span = this.#spanOf(client);
    this.#asking = { span };
    return () => {
      this.#asking = before;
      const last = queueOf(client)?.at(-1);
      if (last !== undefined && !this.#spans.has(last)) this.#spans.set(last, span);
    };
  }

  submit(query, connection) {
    if (!this.#spans.has(query)) this.#spans.set(query, this.#asking?.span);
    return this.#announcer.write(connection.stream, query, liveContextOf(this.#spans.get(query)));
  }

  #spanOf(client) {
    const active = activeSpan();
    const started = this.#clientSpans.take('postgresql', (name) => name.startsWith('pg.query'), active);
    if (started !== undefined) return started;
    const { asked } = this.#pools;
    if (asked !== undefined) return asked.span;
    return active === this.#openers.get(client) || this.#pools.isDoubtful(client) ? undefined : active;
  }
}

/** Queries that wait; another version of `pg` may have them elsewhere. */
function queueOf(client) {
  const queue = client._queryQueue ?? Object.getOwnPropertyDescriptor(client, 'queryQueue')?.value;
  return Array.isArray(queue) ? queue : undefined;
}

/** A pool hands a client to those that wait in the context of whoever gave it back. */
class Pools {
  /** For whom a client is being handed on. */
  asked;
  /** By client: its `release()` of the time in which nobody knows for whom it is used. Every time has one of its own. */
  #doubts = new WeakMap();

  connect(args) {
    const [callback] = args;
    if (typeof callback !== 'function') return;
    const span = activeSpan();
    const hand = (client) => this.#hand(client, span);
    args[0] = function (error, client, ...others) {
      const leave = attempt(() => hand(client));
      try {
        return callback.call(this, error, client, ...others);
      } finally {
        leave?.();
      }
    };
  }

  #hand(client, span) {
    if (activeSpan() !== span) this.#doubts.set(client, client.release);
    const before = this.asked;
    this.asked = { span };
    return () => {
      this.asked = before;
    };
  }

  isDoubtful(client) {
    return this.#doubts.has(client) && this.#doubts.get(client) === client.release;
  }
}
