/** The only two variables that are kept of another process's environment. */
export interface OtelEnvironment {
  readonly serviceName?: string;
  readonly resourceAttributes?: string;
}

const maxAttributes = 64;
const maxValueLength = 4_096;

/** Finds the two variables in the bytes of `/proc/PID/environ`; the first of a name counts. */
export function findOtelVariables(environ: Buffer): OtelEnvironment {
  const serviceName = findVariable(environ, 'OTEL_SERVICE_NAME');
  const resourceAttributes = findVariable(environ, 'OTEL_RESOURCE_ATTRIBUTES');
  return {
    ...(serviceName === undefined ? {} : { serviceName }),
    ...(resourceAttributes === undefined ? {} : { resourceAttributes }),
  };
}

/**
 * The attributes of `OTEL_RESOURCE_ATTRIBUTES` (`key=value,…`, percent-encoded), with
 * `OTEL_SERVICE_NAME` on top. As the specification asks, one error discards the whole
 * list; the service name is then alone.
 */
export function readOtelAttributes(environment: OtelEnvironment): {
  readonly attributes: ReadonlyMap<string, string>;
  readonly isInvalid: boolean;
} {
  const listed = parseList(environment.resourceAttributes ?? '');
  const attributes = new Map(listed);
  const serviceName = environment.serviceName?.trim() ?? '';
  if (serviceName !== '') attributes.set('service.name', serviceName);
  return { attributes, isInvalid: listed === undefined };
}

function parseList(text: string): Map<string, string> | undefined {
  const attributes = new Map<string, string>();
  for (const member of text.split(',')) {
    if (member.trim() === '') continue;
    const equals = member.indexOf('=');
    if (equals < 0) return undefined;
    const key = decode(member.slice(0, equals).trim());
    const value = decode(member.slice(equals + 1).trim());
    if (key === undefined || key === '' || value === undefined || value.length > maxValueLength)
      return undefined;
    attributes.set(key, value);
  }
  return attributes.size > maxAttributes ? undefined : attributes;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function findVariable(environ: Buffer, name: string): string | undefined {
  const wanted = Buffer.from(`${name}=`);
  let at = environ.indexOf(wanted);
  while (at > 0 && environ[at - 1] !== 0) at = environ.indexOf(wanted, at + 1);
  if (at < 0) return undefined;
  const start = at + wanted.length;
  const end = environ.indexOf(0, start);
  return environ.toString('utf8', start, end < 0 ? environ.length : end);
}
