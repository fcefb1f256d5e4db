const PLACE = '{traceId}';
/** A Jaeger on this machine has them there. */
export const DEFAULT_TRACE_URL = `http://localhost:16686/trace/${PLACE}`;

/** Why a template cannot be used; undefined: it can. */
export function traceUrlProblem(template: string): string | undefined {
  if (!template.includes(PLACE)) return `says nowhere where the trace id belongs: write ${PLACE} there`;
  const url = traceUrl(template, '0'.repeat(32));
  const isWeb = URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
  return isWeb ? undefined : 'is no address of the web: it begins with http:// or https://';
}

/** The page of a trace. */
export function traceUrl(template: string, traceId: string): string {
  return template.replaceAll(PLACE, traceId);
}
