import { X509Certificate } from 'node:crypto';
import { validateHeaderValue } from 'node:http';
import { createSecureContext } from 'node:tls';
import type { ChannelCredentials } from '@grpc/grpc-js';
import { credentials, Metadata } from '@grpc/grpc-js';
import { FileError, outsideText, readRegularFile } from '../../text/index.ts';
import { EndpointError } from './endpoint-error.ts';
import type { OtlpTarget } from './options.ts';

/** TLS files of an endpoint; only what is configured: Node's own defaults stand for the rest. */
export type TlsFiles = Partial<Record<'ca' | 'cert' | 'key', Buffer>>;

/** Reads and checks the TLS files. Throws an EndpointError for one that cannot be read or used. */
export function readTls({ certificate, clientCertificate, clientKey }: OtlpTarget): TlsFiles {
  const tls = {
    ...(certificate !== undefined && { ca: readPem(certificate, 'trusted certificates') }),
    ...(clientCertificate !== undefined && { cert: readPem(clientCertificate, 'client certificate') }),
    ...(clientKey !== undefined && { key: readPem(clientKey, 'client key') }),
  };
  // Node takes a file without any certificate for an empty list, and says so to nobody.
  const { ca } = tls;
  if (ca !== undefined)
    tryOut(() => new X509Certificate(ca), `trusted certificates file ${named(certificate)}`);
  const pair = `client certificate ${named(clientCertificate)} and key ${named(clientKey)}`;
  if (tls.cert !== undefined || tls.key !== undefined)
    tryOut(() => createSecureContext({ cert: tls.cert, key: tls.key }), pair);
  return tls;
}

/** Credentials of a gRPC channel; throws as `readTls`. */
export function channelCredentialsOf(target: OtlpTarget): ChannelCredentials {
  const { ca, cert, key } = readTls(target);
  if (new URL(target.endpoint).protocol === 'http:') return credentials.createInsecure();
  return credentials.createSsl(ca, key, cert);
}

/** The target's headers as gRPC carries them. Throws an EndpointError for one that it cannot carry. */
export function metadataOf({ headers }: OtlpTarget): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) {
    try {
      metadata.set(name, value);
    } catch {
      throw badHeader(name, 'gRPC');
    }
  }
  return metadata;
}

/** The target's headers as HTTP carries them; throws as `metadataOf`. */
export function headersOf({ headers }: OtlpTarget): Readonly<Record<string, string>> {
  for (const [name, value] of Object.entries(headers)) {
    try {
      validateHeaderValue(name, value);
    } catch {
      throw badHeader(name, 'HTTP');
    }
  }
  return headers;
}

/** Names the header only: its value is a secret, and what a library says of it repeats it. */
function badHeader(name: string, transport: string): EndpointError {
  const why = `has a value that ${transport} cannot carry: use printable ASCII characters`;
  return new EndpointError(`The OTLP header "${name}" ${why}.`);
}

function named(file: string | undefined): string {
  return `"${outsideText(file ?? '')}"`;
}

function readPem(file: string, what: string): Buffer {
  try {
    return readRegularFile(file);
  } catch (cause) {
    const reason = cause instanceof FileError ? cause.message : 'cannot be read';
    throw new EndpointError(
      `The OTLP ${what} file "${outsideText(file)}" ${reason}: give a readable PEM file.`,
    );
  }
}

function tryOut(use: () => unknown, what: string): void {
  try {
    use();
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? outsideText(String(cause));
    throw new EndpointError(`The OTLP ${what} cannot be used (${reason}): give PEM files that fit.`);
  }
}
