/** A setting of an endpoint that cannot be used: one sentence for the user, who can mend it. */
export class EndpointError extends Error {
  /** That of bad settings. */
  readonly exitCode = 2;
}
