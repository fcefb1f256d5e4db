/** The API that the application loaded, whichever copy of it: https://github.com/open-telemetry/opentelemetry-js. */
const API = Symbol.for('opentelemetry.js.api.1');
const SPAN = Symbol.for('OpenTelemetry Context Key SPAN');
/** Set where a span's own making must not be traced: https://github.com/open-telemetry/opentelemetry-js, packages/opentelemetry-core. */
const SUPPRESSED = Symbol.for('OpenTelemetry SDK Context Key SUPPRESS_TRACING');
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const NO_TRACE = /^0+$/;

/**
 * What is announced: `traceId` and `spanId` as lower-case hexadecimal, `traceFlags` a byte.
 * @typedef {{ traceId: string, spanId: string, traceFlags: number }} Context
 */

/** The span that is active in the application right now; undefined without OpenTelemetry, or without a span. */
export function activeContext() {
  return contextOf(activeSpan());
}

/**
 * The same, for what is begun now: timers and the like have the context in which they were set, so a client that connects
 * again does it in the context of a request that is long over.
 */
export function liveContext() {
  return liveContextOf(activeSpan());
}

/** What a span is announced as; undefined once it is over, or when there is none. */
export function liveContextOf(span) {
  const context = contextOf(span);
  const isOver = context !== undefined && (context.traceFlags & 1) !== 0 && span.isRecording?.() === false;
  return isOver ? undefined : context;
}

/** An object of the application's OpenTelemetry: the same one as long as it is active. */
export function activeSpan() {
  const active = globalThis[API]?.context?.active?.();
  return active?.getValue?.(SUPPRESSED) === true ? undefined : active?.getValue?.(SPAN);
}

export function contextOf(span) {
  const context = span?.spanContext?.();
  return context !== undefined && isContext(context) ? context : undefined;
}

/** The context in a header's value; undefined when it is not valid. */
export function headerContext(value) {
  const parts = typeof value === 'string' ? TRACEPARENT.exec(value) : null;
  if (parts === null || parts[1] === 'ff' || (parts[1] === '00' && parts[5] !== undefined)) return undefined;
  const context = { traceId: parts[2], spanId: parts[3], traceFlags: parseInt(parts[4], 16) };
  return isContext(context) ? context : undefined;
}

/** What makes the application's spans; undefined as long as nothing does. */
export function tracerProvider() {
  const provider = globalThis[API]?.trace;
  return provider?.getDelegate?.() ?? provider;
}

function isContext({ traceId, spanId }) {
  return traceId?.length === 32 && spanId?.length === 16 && !NO_TRACE.test(traceId) && !NO_TRACE.test(spanId);
}
