import type { BpfSession } from '../../native/index.ts';
import {
  CGROUP_ID,
  FILTER_CGROUP,
  FILTER_FIELD,
  FILTER_KIND,
  FILTER_LIMIT,
  FILTER_RULE,
  FILTER_RULE_LENGTH,
  FILTER_SETUP,
  SUBNET_KEY,
  SUBNET_KEY_LENGTH,
} from '../decode/generated/layout.ts';
import { u32, u64 } from './number-bytes.ts';
import { subnetKey, type Subnet } from './subnet.ts';

/** One rule: all that it gives must match. See docs/filters.md. */
export interface KernelFilterRule {
  /** Either end. */
  readonly port?: number;
  readonly localPort?: number;
  readonly remotePort?: number;
  /** The network of the peer. */
  readonly subnet?: Subnet;
  readonly pid?: number;
  /** `comm`, at most 15 bytes. */
  readonly command?: string;
  /**
   * Inode numbers of the folders of one path, with everything below them; the uppermost byte is the hierarchy's number,
   * 0 for cgroup v2. None: it is not there, so nothing matches.
   */
  readonly cgroupIds?: readonly bigint[];
  /** Inode number of the socket's network namespace. */
  readonly netns?: number;
}

/** Observed: what an include matches, or all without includes, and no exclude matches. */
export interface KernelFilter {
  readonly include: readonly KernelFilterRule[];
  readonly exclude: readonly KernelFilterRule[];
}

/** The most rules of both lists together. */
const MAX_FILTER_RULES = FILTER_LIMIT.FILTER_RULES;

/** In `filter_setup`, beside the bank. */
const HAS_INCLUDES = 1 << FILTER_SETUP.FILTER_INCLUDES_BIT;
const HAS_V1 = 1 << FILTER_SETUP.FILTER_V1_BIT;

/** Bits 96 to 127 of `::ffff:0:0/96`: IPv4 in IPv6. */
const MAPPED_BITS = 96;

/** `struct filter_rule`; `kind` of `enum filter_kind`. */
function filterRuleBytes(rule: KernelFilterRule, kind: number): Uint8Array {
  const bytes = new Uint8Array(FILTER_RULE.size);
  const view = new DataView(bytes.buffer);
  let fields = 0;
  const has = (field: number, value: unknown): boolean => {
    if (value !== undefined) fields |= field;
    return value !== undefined;
  };
  if (has(FILTER_FIELD.FILTER_PORT, rule.port)) view.setUint16(FILTER_RULE.port, rule.port ?? 0, true);
  if (has(FILTER_FIELD.FILTER_LOCAL_PORT, rule.localPort))
    view.setUint16(FILTER_RULE.local_port, rule.localPort ?? 0, true);
  if (has(FILTER_FIELD.FILTER_REMOTE_PORT, rule.remotePort))
    view.setUint16(FILTER_RULE.remote_port, rule.remotePort ?? 0, true);
  if (has(FILTER_FIELD.FILTER_PID, rule.pid)) view.setUint32(FILTER_RULE.pid, rule.pid ?? 0, true);
  if (has(FILTER_FIELD.FILTER_NETNS, rule.netns)) view.setUint32(FILTER_RULE.netns, rule.netns ?? 0, true);
  if (has(FILTER_FIELD.FILTER_COMMAND, rule.command))
    bytes.set(
      new TextEncoder().encode(rule.command).subarray(0, FILTER_RULE_LENGTH.command - 1),
      FILTER_RULE.command,
    );
  has(FILTER_FIELD.FILTER_CGROUP, rule.cgroupIds);
  if (rule.subnet !== undefined) {
    fields |= FILTER_FIELD.FILTER_CIDR;
    writeSubnet(bytes, rule.subnet);
  }
  view.setUint32(FILTER_RULE.fields, fields, true);
  bytes[FILTER_RULE.kind] = kind;
  return bytes;
}

function writeSubnet(bytes: Uint8Array, subnet: Subnet): void {
  const key = subnetKey(subnet);
  const bits = new DataView(key.buffer).getUint32(SUBNET_KEY.prefix_length, true);
  const address = key.subarray(SUBNET_KEY.address, SUBNET_KEY.address + SUBNET_KEY_LENGTH.address);
  for (let i = 0; i < FILTER_RULE_LENGTH.mask; i += 1)
    bytes[FILTER_RULE.mask + i] = (0xff << (8 - Math.min(8, Math.max(0, bits - i * 8)))) & 0xff;
  bytes.set(address, FILTER_RULE.address);
  const isMapped = bits >= MAPPED_BITS && address.subarray(0, 12).join() === '0,0,0,0,0,0,0,0,0,0,255,255';
  bytes[FILTER_RULE.family] = isMapped ? 4 : 6;
}

/** Writes filters into the kernel: into the bank that is not in force, which then takes over at once. */
export class FilterWriter {
  readonly #session: Pick<BpfSession, 'update' | 'delete' | 'setVariable'>;
  #generation = 0;
  #cgroups: readonly Uint8Array[] = [];

  constructor(session: Pick<BpfSession, 'update' | 'delete' | 'setVariable'>) {
    this.#session = session;
  }

  /**
   * From now on this filter is in force.
   * @throws RangeError when there are more rules than the kernel side takes
   */
  write({ include, exclude }: KernelFilter): void {
    const rules = [...include, ...exclude];
    if (rules.length > MAX_FILTER_RULES)
      throw new RangeError(`at most ${String(MAX_FILTER_RULES)} filter rules, not ${String(rules.length)}`);
    if (rules.length === 0) {
      this.#switch(0n, []);
      return;
    }
    this.#generation += 1;
    const bank = this.#generation & 1;
    const { FILTER_INCLUDE, FILTER_EXCLUDE } = FILTER_KIND;
    for (const [index, rule] of rules.entries())
      this.#writeRule(
        bank,
        index,
        filterRuleBytes(rule, index < include.length ? FILTER_INCLUDE : FILTER_EXCLUDE),
      );
    // What is left of the filter that had this bank before.
    if (rules.length < MAX_FILTER_RULES)
      this.#writeRule(bank, rules.length, new Uint8Array(FILTER_RULE.size));
    const cgroups = this.#writeCgroups(rules, bank);
    const hasV1 = rules.some(({ cgroupIds = [] }) =>
      cgroupIds.some((id) => id >> BigInt(CGROUP_ID.CGROUP_HIERARCHY_BIT) !== 0n),
    );
    const setup = BigInt(
      (bank << FILTER_SETUP.FILTER_BANK_BIT) | (include.length > 0 ? HAS_INCLUDES : 0) | (hasV1 ? HAS_V1 : 0),
    );
    this.#switch((BigInt(this.#generation) << BigInt(FILTER_SETUP.FILTER_GENERATION_BIT)) | setup, cgroups);
  }

  #writeRule(bank: number, index: number, bytes: Uint8Array): void {
    this.#session.update('filter_rules', u32(bank * MAX_FILTER_RULES + index), bytes);
  }

  #switch(setup: bigint, cgroups: readonly Uint8Array[]): void {
    this.#session.setVariable('filter_setup', u64(setup));
    for (const key of this.#cgroups) this.#session.delete('filter_cgroups', key);
    this.#cgroups = cgroups;
  }

  #writeCgroups(rules: readonly KernelFilterRule[], bank: number): Uint8Array[] {
    const bits = new Map<bigint, number>();
    for (const [index, { cgroupIds = [] }] of rules.entries())
      for (const id of cgroupIds) bits.set(id, (bits.get(id) ?? 0) | (1 << index));
    return [...bits].map(([id, mask]) => {
      const key = new Uint8Array(FILTER_CGROUP.size);
      key.set(u64(id), FILTER_CGROUP.id);
      key.set(u32(bank), FILTER_CGROUP.bank);
      this.#session.update('filter_cgroups', key, u32(mask >>> 0));
      return key;
    });
  }
}
