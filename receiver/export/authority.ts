/** Port of an endpoint, also where it is that of the scheme, which a URL does not keep. */
export function portOf(endpoint: string): string {
  const { port, protocol } = new URL(endpoint);
  return port === '' ? (protocol === 'https:' ? '443' : '80') : port;
}

/** Host and port of an endpoint for the gRPC library. Without a port it takes 443, whatever the scheme is. */
export function authorityOf(endpoint: string): string {
  const { host, port, hostname } = new URL(endpoint);
  const wanted = portOf(endpoint);
  return port === '' && wanted !== '443' ? `${hostname}:${wanted}` : host;
}
