import { isIP } from 'node:net';
import type { AppConfig } from './app-config.ts';
import type { ConfigProblem } from './errors.ts';
import { isLoopback, parseListenAddress, type ListenAddress } from './listen.ts';
import { located, otlpTarget } from './otlp.ts';
import type { Settings } from './settings.ts';

const KEY = 'correlation.otlp_tap';
const TRANSPORTS = ['grpc', 'http'] as const;

/** The settings of the tap; nothing when it is off. */
export function otlpTap(settings: Settings): Pick<AppConfig, 'otlpTap'> {
  const value = <T>(name: string): T => settings.values.get(`${KEY}.${name}`) as T;
  if (value('enabled') !== 'on') return {};
  const [grpc, http] = TRANSPORTS.map((name) => addressOf(settings, name));
  return {
    otlpTap: {
      ...(grpc && { grpc }),
      ...(http && { http }),
      queueSize: value('queue_size'),
      queueBytes: value('queue_bytes'),
      maxRequestBytes: value('max_request_size'),
      maxConnections: value('max_connections'),
      timeoutMs: value('timeout'),
      holdMs: value('hold'),
    },
  };
}

function addressOf({ values }: Settings, name: string): ListenAddress | undefined {
  return parseListenAddress(String(values.get(`${KEY}.${name}`)));
}

/** What single keys of the tap cannot tell. */
export function otlpTapProblems(settings: Settings): ConfigProblem[] {
  const value = (name: string): unknown => settings.values.get(`${KEY}.${name}`);
  if (value('enabled') !== 'on') return [];
  const problem = (name: string, text: string): ConfigProblem => located(settings, `${KEY}.${name}`, text);
  const [grpc, http] = TRANSPORTS.map((name) => addressOf(settings, name));
  if (grpc === undefined && http === undefined)
    return [problem('enabled', `needs ${KEY}.grpc or ${KEY}.http, which are both off`)];
  const problems: ConfigProblem[] = [];
  if (grpc !== undefined && http !== undefined && grpc.host === http.host && grpc.port === http.port)
    problems.push(problem('http', `is the address of ${KEY}.grpc too: give each a port of its own`));
  if ((value('max_request_size') as number) > (value('queue_bytes') as number))
    problems.push(problem('max_request_size', `must be at most ${KEY}.queue_bytes`));
  for (const name of TRANSPORTS) {
    const address = addressOf(settings, name);
    if (address === undefined) continue;
    if (!isLoopback(address.host) && value('remote') !== 'on')
      problems.push(
        problem(
          name,
          `listens beyond this machine: take 127.0.0.1 or [::1], or allow it by ${KEY}.remote=on`,
        ),
      );
    const loop = endpointAt(settings, address);
    if (loop !== undefined)
      problems.push(
        problem(
          name,
          `is where the agent itself sends its ${loop} (otlp.endpoint), so the tap would send to itself: give the collector's address in otlp.endpoint, or the tap another port`,
        ),
      );
  }
  return problems;
}

/** The first signal whose endpoint is at this address, which would be the agent's own. */
export function endpointAt(settings: Settings, address: ListenAddress): string | undefined {
  return (['traces', 'metrics', 'logs'] as const).find((signal) => {
    const { hostname, port, protocol } = new URL(otlpTarget(settings, signal).endpoint);
    const host = hostname.replace(/^\[|\]$/g, '');
    const wanted = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
    return wanted === address.port && isWithin(host, address.host);
  });
}

/** Whether who listens at `listening` may be reached as `host`; names of other machines may be this one, and are not looked up. */
function isWithin(host: string, listening: string): boolean {
  if (host === listening) return true;
  if (listening === '0.0.0.0' || listening === '::') return isLoopback(host);
  return isIP(host) === 0 && isLoopback(host) && isLoopback(listening);
}
