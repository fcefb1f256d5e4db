import { reduceCapabilities } from '../../native/index.ts';
import { privilegeWarnings, type WarnedSettings } from './privilege-warnings.ts';

/** What is needed once all is loaded, where it was there: docs/compatibility.md says what for. */
const KEPT_CAPABILITIES: readonly string[] = [
  'CAP_BPF',
  'CAP_DAC_READ_SEARCH',
  'CAP_SYS_PTRACE',
  'CAP_SYSLOG',
];

/** Gives up for good what is not needed once all is loaded; what is left. */
export function keepPrivileges(): readonly string[] {
  return reduceCapabilities(KEPT_CAPABILITIES);
}

/** The same, with what cannot be known with the rest, for the log. */
export function reducePrivileges(config: WarnedSettings): {
  readonly kept: readonly string[];
  readonly warnings: readonly string[];
} {
  const kept = keepPrivileges();
  return { kept, warnings: privilegeWarnings(kept, config) };
}
