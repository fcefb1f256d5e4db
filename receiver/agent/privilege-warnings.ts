import type { AppConfig } from '../../config/index.ts';
import {
  ATTR_CODE_FUNCTION_NAME,
  EVENT_PACKET_DROP,
  EVENT_TCP_WAKEUP_SLOW,
  METRIC_TCP_WAKEUP_DURATION,
} from '../../semconv/index.ts';
import { forbidsMemory } from '../host/ptrace-scope.ts';
import { showsAddresses } from '../host/symbol-addresses.ts';

/** Reading what belongs to a process of another user, or to one with more capabilities. */
const FOR_OTHERS = ['CAP_DAC_READ_SEARCH', 'CAP_SYS_PTRACE'];

export type WarnedSettings = Pick<AppConfig, 'metrics' | 'events' | 'attributes' | 'readsContexts'>;

/** What is not to be known with these capabilities: one sentence each, for the log. */
export function privilegeWarnings(
  kept: readonly string[],
  { metrics, events, attributes, readsContexts }: WarnedSettings,
  symbols = '/proc/kallsyms',
  ptraceScope?: string,
): string[] {
  const warnings: string[] = [];
  const missing = FOR_OTHERS.filter((name) => !kept.includes(name));
  if (missing.length > 0)
    warnings.push(
      `Without ${missing.join(' and ')}, the names that other users' processes give themselves (OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES of those started before the agent, or published in memory) are not read: they are told by executable, process and container; add ${missing.length > 1 ? 'both capabilities' : 'the capability'} for service names.`,
    );
  if (readsContexts && forbidsMemory(ptraceScope))
    warnings.push(
      'The kernel lets nobody read the memory of other processes (kernel.yama.ptrace_scope is 3), so the names that they publish there are not read: set OTEL_SERVICE_NAME where they are started, or resource.process_context: off.',
    );
  const wantsFunctions =
    events.get(EVENT_PACKET_DROP.name) !== 'off' || attributes.has(ATTR_CODE_FUNCTION_NAME);
  if (wantsFunctions && !showsAddresses(symbols))
    warnings.push(
      'The kernel hides its addresses from this process (kernel.kptr_restrict), so the functions that dropped packets have no names: add CAP_SYSLOG.',
    );
  const wantsWakeups =
    metrics.get(METRIC_TCP_WAKEUP_DURATION.name) === true || events.get(EVENT_TCP_WAKEUP_SLOW.name) === 'on';
  if (wantsWakeups && !showsAddresses(symbols))
    warnings.push(
      'The kernel hides its addresses from this process (kernel.kptr_restrict), so it is not known which wake-ups are for data, and none is told: add CAP_SYSLOG, or turn metrics.tcp.wakeup.duration and events.tcp.wakeup.slow off.',
    );
  return warnings;
}
