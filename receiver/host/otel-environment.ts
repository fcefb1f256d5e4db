/** The only two variables that are kept of another process's environment. */
export interface OtelEnvironment {
  readonly serviceName?: string;
  readonly resourceAttributes?: string;
  /** A variable was longer than what is looked at. */
  readonly isCut?: boolean;
}

/** The most that is read of a variable. It is more than can be kept, since a percent-encoded byte takes three. */
const maxVariableBytes = 16 * 1024;
const comma = 44;

/** Finds the two variables in the bytes of `/proc/PID/environ`; the first of a name counts. */
export function findOtelVariables(environ: Buffer): OtelEnvironment {
  const serviceName = findVariable(environ, 'OTEL_SERVICE_NAME');
  const listed = findVariable(environ, 'OTEL_RESOURCE_ATTRIBUTES');
  return {
    ...(serviceName === undefined ? {} : { serviceName: textOf(serviceName) }),
    ...(listed === undefined ? {} : { resourceAttributes: textOf(wholeMembers(listed)) }),
    ...(isLong(serviceName) || isLong(listed) ? { isCut: true } : {}),
  };
}

/** Without the member of the list that the bound cuts in two. */
function wholeMembers(list: Buffer): Buffer {
  if (!isLong(list)) return list;
  return list.subarray(0, Math.max(0, list.lastIndexOf(comma, maxVariableBytes)));
}

function isLong(variable: Buffer | undefined): boolean {
  return variable !== undefined && variable.length > maxVariableBytes;
}

/** A string of its own: it keeps nothing else of the environment in memory. */
function textOf(variable: Buffer): string {
  return variable.toString('utf8', 0, maxVariableBytes);
}

function findVariable(environ: Buffer, name: string): Buffer | undefined {
  const wanted = Buffer.from(`${name}=`);
  let at = environ.indexOf(wanted);
  while (at > 0 && environ[at - 1] !== 0) at = environ.indexOf(wanted, at + 1);
  if (at < 0) return undefined;
  const start = at + wanted.length;
  const end = environ.indexOf(0, start);
  return environ.subarray(start, end < 0 ? environ.length : end);
}
