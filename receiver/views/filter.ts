import type { FilterRule } from '../../config/index.ts';
import type { KernelRecord } from '../model/record.ts';
import { hostCidr, REMOTE_ADDRESS, type ViewArguments } from './options.ts';
import type { ViewPorts } from './view.ts';

/** Rules that the kernel takes in one list, `FILTER_RULES` in bpf/contract/rules.h. */
const MAX_RULES = 16;

/**
 * What the kernel leaves out by itself: connections that no rule matches cost nothing. More ports than it has rules for
 * are left to `isShown`. `cgroup`: that of the container that was asked for.
 */
export function kernelRulesOf(
  args: ViewArguments,
  { local, remote }: ViewPorts,
  cgroup = args.text('cgroup'),
): readonly FilterRule[] {
  const pid = args.number('pid');
  const netns = args.number('netns');
  const address = args.text(REMOTE_ADDRESS.long);
  const base: FilterRule = {
    ...(pid !== undefined && { pid }),
    ...(netns !== undefined && { netns }),
    ...(cgroup !== undefined && { cgroup }),
    ...(address !== undefined && { cidr: hostCidr(address) }),
  };
  const rules = (
    local === undefined ? [base] : [...local].map((port) => ({ ...base, local_port: port }))
  ).flatMap((rule) =>
    remote === undefined ? [rule] : [...remote].map((port) => ({ ...rule, remote_port: port })),
  );
  if (rules.length > MAX_RULES) return isEmpty(base) ? [] : [base];
  return rules.filter((rule) => !isEmpty(rule));
}

function isEmpty(rule: FilterRule): boolean {
  return Object.keys(rule).length === 0;
}

/** The same in user space, and what the kernel's filter has no rule for: families, and packets without a socket. */
export function isShown(record: KernelRecord, args: ViewArguments, { local, remote }: ViewPorts): boolean {
  if (record.kind === 'owner' || record.kind === 'softirq' || record.kind === 'http2') return false;
  // Any process may have asked.
  if (record.kind === 'dns_answer') return true;
  // A packet comes through namespaces: the view looks at its whole way.
  if (record.kind === 'packet') return isFamilyShown(record.family, args);
  const netns = args.number('netns');
  if (netns !== undefined && record.netns !== netns) return false;
  const isDrop = record.kind === 'drop';
  if (!isFamilyShown(isDrop ? record.family : record.endpoints.family, args)) return false;
  // Drops are the one kind that need not be of a socket that the filter has seen.
  if (isDrop) return isDropShown(record, args);
  const { localPort, peerPort } = record.endpoints;
  return (local?.has(localPort) ?? true) && (remote?.has(peerPort) ?? true);
}

function isFamilyShown(family: number, args: ViewArguments): boolean {
  return !(args.has('ipv4') || args.has('ipv6')) || args.has(`ipv${String(family)}`);
}

function isDropShown(
  { owner }: Extract<KernelRecord, { readonly kind: 'drop' }>,
  args: ViewArguments,
): boolean {
  const pid = args.number('pid');
  if (pid !== undefined && owner.pid !== pid) return false;
  return !(args.has('cgroup') || args.has('container')) || owner.pid !== 0;
}
