import { MAX_YAML_CHARS, YAML_OPTIONS } from './yaml.ts';
import { type Format, integer, type JsonSchema, refuse, text } from './format.ts';
import { parseCidr } from './cidr.ts';
import { yaml } from './yaml-library.ts';

/** A list that text gives as YAML (`[a, b]`) or separated by commas. */
export function asList(value: unknown, what: string): unknown[] {
  if (Array.isArray(value)) return value;
  if (typeof value !== 'string') return refuse(`be a list of ${what}`);
  if (value.trim() === '') return [];
  if (!/^\s*[[{-]/.test(value)) return value.split(',').map((item) => item.trim());
  if (value.length > MAX_YAML_CHARS) return refuse(`have at most ${String(MAX_YAML_CHARS)} characters`);
  let parsed: unknown;
  try {
    parsed = yaml().parse(value, YAML_OPTIONS);
  } catch {
    return refuse(`be a list of ${what}, in YAML such as [{port: 22}]`);
  }
  return Array.isArray(parsed) ? parsed : [parsed];
}

/** A list, or its text. */
function listOf(items: JsonSchema, maxItems: number): JsonSchema {
  return { anyOf: [{ type: 'array', maxItems, items }, { type: 'string' }] };
}

/** The most networks: the kernel's map of them has no more room. */
const MAX_CIDRS = 256;

/** Networks in CIDR notation, canonical: no host bits set. */
export const cidrList: Format<readonly string[]> = {
  expects: 'list of CIDRs; as text separated by commas',
  schema: listOf({ type: 'string' }, MAX_CIDRS),
  read: (value) => {
    const cidrs = asList(value, 'CIDRs');
    if (cidrs.length > MAX_CIDRS) return refuse(`be at most ${MAX_CIDRS} CIDRs`);
    return cidrs.map((item) => parseCidr(item).text);
  },
};

/** `[name, value]` pairs in the order given. */
export type Pairs = readonly (readonly [name: string, value: string])[];

function decode(value: string): string {
  try {
    return decodeURIComponent(value.trim());
  } catch {
    return refuse('percent-encode each value correctly (a lone % is %25)');
  }
}

function pairsOf(value: unknown): [string, unknown][] {
  if (Array.isArray(value)) {
    return value.map((pair): [string, unknown] =>
      Array.isArray(pair) && pair.length === 2
        ? [String(pair[0]), pair[1]]
        : refuse('be a map of names to values'),
    );
  }
  if (typeof value === 'object' && value !== null) return Object.entries(value);
  if (typeof value !== 'string') return refuse('be a map, or text such as name=value,other=value');
  return value
    .split(',')
    .filter((item) => item.trim() !== '')
    .map((item): [string, unknown] => {
      const at = item.indexOf('=');
      if (at < 0) return refuse('be text such as name=value,other=value: one part has no =');
      return [decode(item.slice(0, at)), decode(item.slice(at + 1))];
    });
}

/** Names and values: a map in the file, `name=value,other=value` (percent-encoded) as text. */
export function pairs(name: RegExp, nameRule: string): Format<Pairs> {
  return {
    expects: 'map; as text `name=value,other=value`, percent-encoded',
    schema: {
      anyOf: [
        { type: 'object', additionalProperties: { type: ['string', 'number', 'boolean'] } },
        { type: 'string' },
        { type: 'array', items: { type: 'array', minItems: 2, maxItems: 2 } },
      ],
    },
    takesMap: true,
    isQuiet: true,
    read: (value) =>
      pairsOf(value).map(([key, item]) => {
        if (!name.test(key)) return refuse(`have names ${nameRule}`);
        if (typeof item !== 'string' && typeof item !== 'number' && typeof item !== 'boolean') {
          return refuse('have text as values');
        }
        return [key, String(item)] as const;
      }),
  };
}

/** A rule of `filter.include` or `filter.exclude`: every field given must match. */
export interface FilterRule {
  /** Either end. */
  readonly port?: number;
  readonly local_port?: number;
  readonly remote_port?: number;
  /** Peer address. */
  readonly cidr?: string;
  /** In the initial pid namespace. */
  readonly pid?: number;
  /** `comm` of the process or its executable's name; exact, but for what the kernel cuts off. */
  readonly command?: string;
  /** Path below the cgroup root, with everything under it. */
  readonly cgroup?: string;
  /** Inode number of the network namespace. */
  readonly netns?: number;
}

const port = integer(1, 65535);
const FIELDS: Readonly<Record<keyof FilterRule, Pick<Format, 'read' | 'schema'>>> = {
  port,
  local_port: port,
  remote_port: port,
  cidr: { schema: { type: 'string' }, read: (value) => parseCidr(value).text },
  pid: integer(1, 2 ** 22),
  command: {
    schema: { type: 'string', minLength: 1, maxLength: 15 },
    read: (value) => {
      const name = text.read(value);
      return new TextEncoder().encode(name).length <= 15
        ? name
        : refuse('be at most 15 bytes, the first of a longer name');
    },
  },
  cgroup: {
    schema: { type: 'string', pattern: '^/' },
    read: (value) => (text.read(value).startsWith('/') ? value : refuse('be a path that begins with /')),
  },
  netns: integer(1, 2 ** 32 - 1),
};

function readRule(item: unknown): FilterRule {
  const names = Object.keys(FIELDS).join(', ');
  if (typeof item !== 'object' || item === null || Array.isArray(item))
    return refuse(`be a list of rules, each a map of ${names}`);
  const entries = Object.entries(item);
  if (entries.length === 0) return refuse(`give each rule at least one of ${names}`);
  return Object.fromEntries(
    entries.map(([field, value]) => {
      const read = Object.hasOwn(FIELDS, field) ? FIELDS[field as keyof FilterRule].read : undefined;
      if (read === undefined) return refuse(`have rules of ${names}, and ${field} is none of them`);
      try {
        return [field, read(value)];
      } catch (error) {
        return refuse(
          `be a list of rules; its ${field} must ${error instanceof Error ? error.message : String(error)}`,
        );
      }
    }),
  );
}

/** The most rules of one list; bpf/contract/rules.h has room for both lists. */
const MAX_RULES = 16;

function readRules(value: unknown): readonly FilterRule[] {
  const rules = asList(value, 'rules');
  if (rules.length > MAX_RULES) return refuse(`be at most ${MAX_RULES} rules`);
  return rules.map(readRule);
}

/** Rules over connections. As text: YAML, `[{port: 22}, {command: sshd}]`. */
export const filterRules: Format<readonly FilterRule[]> = {
  expects: `list of maps of ${Object.keys(FIELDS)
    .map((name) => `\`${name}\``)
    .join(', ')}; as text in YAML, \`[{port: 22}]\``,
  schema: listOf(
    {
      type: 'object',
      minProperties: 1,
      additionalProperties: false,
      properties: Object.fromEntries(Object.entries(FIELDS).map(([name, { schema }]) => [name, schema])),
    },
    MAX_RULES,
  ),
  read: readRules,
};
