import { BlockList, isIP } from 'node:net';
import { portOf } from './authority.ts';
import { EndpointError } from './endpoint-error.ts';
import type { OtlpTarget, Proxy } from './options.ts';
import { withVariables, type Variables } from './variables.ts';

/** How an endpoint is reached. `bypass`: why not by the proxy that is set, if one is. */
export interface Way {
  readonly proxy?: Proxy;
  readonly bypass?: string;
}

/** All that the gRPC library looks at. */
const LIBRARY_VARIABLES = ['grpc_proxy', 'https_proxy', 'http_proxy', 'no_grpc_proxy', 'no_proxy'] as const;

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('0.0.0.0', 'ipv4');
loopback.addAddress('::1', 'ipv6');
loopback.addAddress('::', 'ipv6');

/**
 * The way to an endpoint, the same over both protocols: see docs/decisions/0030. Throws an EndpointError for a proxy that
 * cannot be used.
 */
export function wayTo(
  { endpoint, protocol }: Pick<OtlpTarget, 'endpoint' | 'protocol'>,
  env: Variables,
): Way {
  const url = new URL(endpoint);
  const scheme = url.protocol === 'https:' ? 'https_proxy' : 'http_proxy';
  const set = firstOf(protocol === 'grpc' ? ['grpc_proxy', scheme] : [scheme], env);
  if (set === undefined) return {};
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isLoopback(host)) return { bypass: 'loopback' };
  const except = firstOf(['no_proxy'], env);
  if (except !== undefined && isExcepted(host, portOf(endpoint), except.value))
    return { bypass: except.variable };
  return { proxy: proxyOf(set.variable, set.value) };
}

/** Calls `create`, for which the gRPC library finds this proxy in the environment, or none. */
export function withProxy<T>(proxy: Proxy | undefined, create: () => T): T {
  const hidden = Object.fromEntries(LIBRARY_VARIABLES.map((name) => [name, undefined]));
  return withVariables(proxy === undefined ? hidden : { ...hidden, grpc_proxy: proxy.url }, create);
}

function firstOf(
  names: readonly string[],
  env: Variables,
): { readonly variable: string; readonly value: string } | undefined {
  for (const variable of names.flatMap((name) => [name, name.toUpperCase()])) {
    const value = env[variable]?.trim() ?? '';
    if (value !== '') return { variable, value };
  }
  return undefined;
}

function isLoopback(host: string): boolean {
  return /(^|\.)localhost\.?$/i.test(host) || isIn(loopback, host);
}

function isIn(list: BlockList, host: string): boolean {
  const version = isIP(host);
  return version !== 0 && list.check(host, version === 4 ? 'ipv4' : 'ipv6');
}

/** Names with all that is below them, addresses and networks; each but a network may end in a port; `*` is everything. */
function isExcepted(host: string, port: string, except: string): boolean {
  return except.split(/[\s,]+/).some((entry) => {
    if (entry === '*') return true;
    const network = /^([\d.a-f:]+)\/(\d+)$/i.exec(entry);
    if (network !== null) return isInNetwork(host, network[1] ?? '', Number(network[2]));
    const [, bracketed, plain, ofPort] = /^(?:\[(.+)\]|([^:]+))(?::(\d+))?$/.exec(entry) ?? [];
    if (ofPort !== undefined && ofPort !== port) return false;
    const name = (bracketed ?? plain ?? entry).toLowerCase().replace(/^\*?\./, '');
    return name !== '' && (host === name || host.endsWith(`.${name}`));
  });
}

function isInNetwork(host: string, address: string, prefixLength: number): boolean {
  const version = isIP(address);
  if (version === 0 || prefixLength > (version === 4 ? 32 : 128)) return false;
  const network = new BlockList();
  network.addSubnet(address, prefixLength, version === 4 ? 'ipv4' : 'ipv6');
  return isIn(network, host);
}

function proxyOf(variable: string, value: string): Proxy {
  try {
    const url = new URL(value);
    decodeURIComponent(`${url.username}:${url.password}`);
    if (url.protocol === 'http:') return { url: url.href, origin: url.origin, variable };
  } catch {
    // Said below.
  }
  throw new EndpointError(
    `The proxy in the variable ${variable} is not a URL such as http://host:3128: correct the variable or unset it.`,
  );
}
