import { contextOf, tracerProvider } from './context.mjs';
import { wrapMethod } from './wrap.mjs';

const CLIENT = 2;

/**
 * CLIENT spans of database instrumentations. They start one, do not activate it, and call the client at once, so of a command's call
 * the span that was started right before is its own. Only a tracer tells of it.
 */
export class ClientSpans {
  #provider;
  /** The last one, until somebody asks for it, or this turn's end. */
  #started;
  #forget = () => {
    this.#started = undefined;
  };

  /** Looks at spans of the application's tracers from now on, once there are any. */
  watch() {
    const provider = tracerProvider();
    if (provider === this.#provider) return;
    this.#provider = provider;
    const tracer = provider.getTracer('wirespan/hook');
    wrapMethod(Object.getPrototypeOf(tracer), 'startSpan', (_tracer, [name, options]) => {
      const system = options?.kind === CLIENT ? systemOf(options.attributes) : undefined;
      if (system === undefined) return undefined;
      return (span) => {
        this.#started = { system, name, span };
        void Promise.resolve().then(this.#forget);
      };
    });
  }

  /** The span that was just started for a command of `system`, below `parent`. It is of one command. */
  take(system, isIts, parent) {
    const started = this.#started;
    this.#started = undefined;
    this.watch();
    if (started?.system !== system || !isIts(started.name) || !isBelow(started.span, parent))
      return undefined;
    return started.span;
  }
}

/** Both names of it, that of today and the one before. */
function systemOf(attributes) {
  return attributes?.['db.system.name'] ?? attributes?.['db.system'];
}

/** A span that records tells its parent; one that does not has its trace at least. */
function isBelow(span, parent) {
  const [own, above] = [contextOf(span), contextOf(parent)];
  if (own === undefined) return false;
  if (span.isRecording?.() !== true) return above?.traceId === own.traceId;
  return (span.parentSpanContext?.spanId ?? span.parentSpanId) === above?.spanId;
}
