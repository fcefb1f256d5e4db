import { portOf } from './authority.ts';
import type { SignalTarget } from './options.ts';

/** What a library's or a collector's words mean for the user. */
interface Meaning {
  readonly words: RegExp;
  say(target: SignalTarget, match: RegExpExecArray): string;
}

const PORTS =
  'collectors take gRPC on port 4317 and http/protobuf on port 4318 (OTEL_EXPORTER_OTLP_PROTOCOL)';

const isTls = ({ endpoint }: SignalTarget): boolean => endpoint.startsWith('https:');

const otherProtocol = ({ protocol }: SignalTarget): string =>
  `no ${protocol === 'grpc' ? 'gRPC' : 'HTTP/1'} is spoken there: ${PORTS}`;

/** Why there is no answer. */
const connections: readonly Meaning[] = [
  {
    words: /wrong version number|packet length too long|record layer failure/,
    say: ({ isTlsAssumed, endpoint }) =>
      isTlsAssumed === true
        ? `no TLS is spoken there, and over gRPC an endpoint without a scheme has TLS: write ${endpoint.replace('https:', 'http:')}, or set OTEL_EXPORTER_OTLP_INSECURE=true`
        : 'no TLS is spoken there: the endpoint of a collector without TLS begins with http://',
  },
  {
    words: /no application protocol|^Protocol error$|Parse Error: Expected HTTP/,
    say: otherProtocol,
  },
  {
    words: /unable to verify the first certificate|self-signed certificate|unable to get (?:local )?issuer/,
    say: () =>
      "the collector's certificate is signed by an authority that is not known here: name its file in OTEL_EXPORTER_OTLP_CERTIFICATE",
  },
  {
    words: /alert (?:certificate required|handshake failure)/,
    say: ({ clientCertificate }) =>
      clientCertificate === undefined
        ? 'the collector wants a certificate of its clients: set OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY'
        : 'the collector and this client do not agree on TLS (handshake failure)',
  },
  {
    words: /alert ((?:unknown ca|bad certificate|unsupported certificate|certificate \w+)\b)/,
    say: (_, [, why = '']) => `the collector does not take the client's certificate (${why})`,
  },
  {
    words: /does not match certificate's altnames: (.+)$/,
    say: (_, [, why = '']) => `the collector's certificate is for another name (${why})`,
  },
  { words: /certificate has expired/, say: () => "the collector's certificate has expired" },
  {
    // Without an address: a name had several, and none was taken.
    words: /ECONNREFUSED(?: (\S+))?$/,
    say: ({ endpoint }, [, address = placeOf(endpoint)]) => `nothing listens at ${address} (ECONNREFUSED)`,
  },
  {
    words: /(E(?:HOST|NET)UNREACH|ETIMEDOUT)(?: (\S+))?/,
    say: ({ endpoint }, [, code = '', address = placeOf(endpoint)]) => `no way leads to ${address} (${code})`,
  },
  {
    words: /(?:ENOTFOUND|EAI_AGAIN) (\S+)|Name resolution failed for target (?:dns:)?(.*?):\d+/,
    say: (_, [, http, grpc]) => `the name ${http ?? grpc ?? ''} cannot be resolved`,
  },
  {
    words: /Client network socket disconnected/,
    say: () => 'the connection was closed before TLS was agreed upon',
  },
  {
    words: /socket hang up|^Failed to connect$|ECONNRESET|EPIPE/,
    say: (target) =>
      `the connection was closed without an answer${isTls(target) ? '' : ': if TLS is wanted there, the endpoint must begin with https://'}`,
  },
  { words: /^undefined$/, say: () => 'no connection came about' },
];

/** What was answered. Other answers stay as they are: the reason in them is the collector's own. */
const answers: readonly Meaning[] = [
  {
    words: /^HTTP 403\b.*Missing ALPN Protocol|^12 UNIMPLEMENTED: Received HTTP status code 404/,
    say: otherProtocol,
  },
  {
    words: /^HTTP 400\b.*Client sent an HTTP request to an HTTPS server/,
    say: () => 'TLS is wanted there: the endpoint must begin with https://',
  },
  {
    words: /^12 UNIMPLEMENTED\b/,
    say: ({ signal }) =>
      `12 UNIMPLEMENTED: the server takes no OTLP ${signal}: a collector needs a pipeline for them, or set OTEL_${signal.toUpperCase()}_EXPORTER=none`,
  },
  {
    words: /^(HTTP 404\b.*?)(?:: (?:404 page not found$|(.*)))?$/s,
    say: ({ signal, endpoint }, [, answer = '', reason]) => {
      const { origin, pathname } = new URL(endpoint);
      const usual = `/v1/${signal}`;
      const hint = pathname === usual ? 'is that a collector?' : `collectors do at ${usual}`;
      // What may be secret of the path is hidden by who shows it.
      const why = reason === undefined ? '' : ` (${reason})`;
      return `${answer}: nothing takes OTLP ${signal} at ${origin}${pathname}; ${hint}${why}`;
    },
  },
];

function placeOf(endpoint: string): string {
  return `${new URL(endpoint).hostname}:${portOf(endpoint)}`;
}

/** A cause as a library, or who answered, worded it, in words that say what to do where those are known. */
export function explainCause(cause: string, target: SignalTarget): string {
  // gRPC adds its code of all that prevents a connection, and the time.
  const words = cause
    .replace(/^14 UNAVAILABLE: No connection established\. Last error: (?:Error: )?/, '')
    .replace(/^14 UNAVAILABLE: (?=Name resolution failed)/, '')
    .replace(/ ?\(\d{4}-\d\d-\d\dT[\d:.]+Z\)/, '')
    .replace(/(?:; if the root CA is installed.*|\.)$/, '');
  const meanings = /^(?:HTTP \d{3}|\d+ [A-Z_]+)\b/.test(words) ? answers : connections;
  const said = meaningOf(meanings, words, target) ?? words;
  const { proxy } = target;
  return proxy === undefined ? said : `by the proxy ${proxy.origin} (${proxy.variable}): ${said}`;
}

function meaningOf(meanings: readonly Meaning[], words: string, target: SignalTarget): string | undefined {
  for (const meaning of meanings) {
    const match = meaning.words.exec(words);
    if (match !== null) return meaning.say(target, match);
  }
  return undefined;
}
