import { readFileSync } from 'node:fs';
import type { ChannelCredentials } from '@grpc/grpc-js';
import { credentials, Metadata } from '@grpc/grpc-js';
import type { SettledEndpoint } from './options.ts';

/** TLS files of an endpoint; only what is configured: Node's own defaults stand for the rest. */
export type TlsFiles = Partial<Record<'ca' | 'cert' | 'key', Buffer>>;

/** Reads the TLS files. Throws an Error with one clear sentence for a file that cannot be read. */
export function readTls(endpoint: SettledEndpoint): TlsFiles {
  const { caFile, clientCertificateFile, clientKeyFile } = endpoint;
  return {
    ...(caFile !== undefined && { ca: readPem(caFile, 'trusted certificates') }),
    ...(clientCertificateFile !== undefined && {
      cert: readPem(clientCertificateFile, 'client certificate'),
    }),
    ...(clientKeyFile !== undefined && { key: readPem(clientKeyFile, 'client key') }),
  };
}

/** Credentials of a gRPC channel; throws as `readTls`. */
export function channelCredentialsOf(endpoint: SettledEndpoint): ChannelCredentials {
  const isPlain = endpoint.url.startsWith('unix:') || new URL(endpoint.url).protocol === 'http:';
  if (isPlain) return credentials.createInsecure();
  const { ca, cert, key } = readTls(endpoint);
  return credentials.createSsl(ca, key, cert);
}

/** The endpoint's headers as gRPC carries them. */
export function metadataOf(endpoint: SettledEndpoint): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(endpoint.headers)) metadata.set(name, value);
  return metadata;
}

function readPem(file: string, what: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new Error(`The OTLP ${what} file "${file}" cannot be read (${reason}): give a readable PEM file.`, {
      cause,
    });
  }
}
