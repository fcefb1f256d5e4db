/**
 * Who may import whom: every folder of code, what it holds, whose values it may take and of whom types alone. Lint
 * refuses every other import; the table in docs/architecture.md is made of this.
 *
 * A folder is the longest of these names that begins a path. `layout` is receiver/decode/generated, what the compiled
 * BPF object says: any folder of the receiver may read it.
 */
import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

export interface Folder {
  /** What is in it, for the documents. */
  readonly holds: string;
  /** Folders whose values it may take, and so their types. */
  readonly values?: readonly string[];
  /** Folders of which it may take types alone. */
  readonly types?: readonly string[];
}

const project = dirname(dirname(import.meta.dirname));
const SIGNALS = 'receiver/signals';
/** What a family of signals may import; no family imports another, but for what a connection is. */
const FAMILY = {
  values: ['semconv', 'layout', 'receiver/decode', 'receiver/model', SIGNALS],
  types: ['receiver/correlate', 'receiver/aggregate', 'receiver/signals/connection'],
};

/** What families take besides: the sums of retransmissions are in the rows of connections, and so are their exemplars; views join ways, too. */
const MORE: Readonly<Record<string, readonly string[]>> = {
  receive: [`${SIGNALS}/connection`],
  retransmit: [`${SIGNALS}/connection`],
  packet: ['receiver/packets'],
};

/** Every family by its folder, with what its descriptor says of it. */
const families: Readonly<Record<string, Folder>> = Object.fromEntries(
  globSync(`${SIGNALS}/*/family.ts`, { cwd: project })
    .sort()
    .map((path) => {
      const says = /^\/\*\* (.*?)\. .*\*\/\nexport const \w+: Family/m.exec(
        readFileSync(join(project, path), 'utf8'),
      );
      if (says === null) throw new Error(`${path} has no comment of one line above its family`);
      const name = basename(dirname(path));
      const values = [...FAMILY.values, ...(MORE[name] ?? [])];
      return [
        dirname(path),
        {
          ...FAMILY,
          values,
          holds: (says[1] ?? '').replace(/^[A-Z](?=[a-z ])/, (letter) => letter.toLowerCase()),
        },
      ] as const;
    }),
);

const folders: Readonly<Record<string, Folder>> = {
  text: { holds: 'what makes a text from outside, or with a secret in it, fit to be shown' },
  semconv: { holds: 'the registry, its generator, generated names and bounds' },
  config: { holds: 'the settings and their sources', values: ['semconv', 'text'] },
  native: { holds: 'libbpf over Node-API; no TCP knowledge' },
  'receiver/model': {
    holds: 'records, resources, events, clocks and caches: what all others speak of',
    types: ['semconv'],
  },
  'receiver/host': {
    holds: 'what `/proc`, `/sys` and the terminal say: the only reader of them',
    values: ['layout', 'receiver/model'],
  },
  'receiver/source': {
    holds: 'chooses variants, loads, attaches, reads',
    values: ['native', 'layout', 'receiver/host', 'receiver/model', SIGNALS],
  },
  'receiver/decode': {
    holds: 'bytes to records; layouts generated from BTF',
    values: ['semconv', 'layout', 'receiver/model'],
  },
  'receiver/signals': {
    holds: 'the list of the families of signals, what a family is, what they share',
    values: ['semconv', 'layout', 'receiver/decode', 'receiver/model', ...Object.keys(families)],
    types: ['receiver/correlate'],
  },
  ...families,
  'receiver/correlate': {
    holds: 'the one decision table that links events to traces; links, limits and shares of events and spans',
    values: ['semconv', 'receiver/model'],
  },
  'receiver/enrich': {
    holds: 'process, container, pod and service of an owner',
    values: ['semconv', 'receiver/host', 'receiver/model'],
  },
  'receiver/aggregate': {
    holds: 'series, caps, overflow, temporality',
    values: ['semconv', 'receiver/model'],
  },
  'receiver/exemplars': {
    holds: 'records of sampled requests to exemplars on points',
    values: ['semconv', 'receiver/aggregate', 'receiver/correlate', 'receiver/model'],
    types: ['receiver/signals'],
  },
  'receiver/export': {
    holds: 'OTLP, queues, retry, drain',
    values: ['semconv', 'text', 'receiver/aggregate'],
    types: ['receiver/model'],
  },
  'receiver/serve': { holds: 'how servers of the agent listen, and the one that says how the agent is' },
  'receiver/tap': {
    holds: 'the OTLP endpoint of local applications: takes, holds and sends on',
    values: ['receiver/export', 'receiver/serve'],
    types: ['receiver/model'],
  },
  'receiver/telemetry': {
    holds: 'the agent about itself',
    values: ['semconv', 'receiver/aggregate'],
    types: ['receiver/export', 'receiver/model', 'receiver/tap'],
  },
  'receiver/settings': {
    holds: 'from the configuration to what the others ask for',
    values: ['semconv', 'config', SIGNALS, 'receiver/host'],
    types: ['receiver/correlate', 'receiver/model', 'receiver/source'],
  },
  'receiver/packets': {
    holds: 'points of packets to ways, and ways to stages',
    values: ['receiver/model'],
  },
  'receiver/views': {
    holds: 'the tools that people know: records to lines of columns',
    values: ['semconv', 'config', 'text', 'receiver/model', 'receiver/packets', 'receiver/cli'],
  },
  'receiver/recording': {
    holds: 'what was seen as a file: the kernel and the machine answer once more',
    values: ['text', 'layout', 'receiver/model'],
    types: ['receiver/host', 'receiver/source'],
  },
  'receiver/feed': {
    holds: 'what the agent reads for views of other processes: a recording that goes on, by a unix socket',
    values: ['semconv', 'text', 'layout', 'receiver/model', 'receiver/recording'],
  },
  'receiver/report': {
    holds: 'metrics, events and spans of a time to one page that shows what hurt',
    values: ['semconv', 'text', 'receiver/cli', 'receiver/model'],
  },
  'receiver/ui': {
    holds:
      'pages in a browser of what views know: connections, who talks to whom, hurt requests, queues, plots',
    values: [
      ...['semconv', 'text', 'receiver/cli', 'receiver/model'],
      ...['receiver/report', 'receiver/serve', 'receiver/views'],
    ],
  },
  'receiver/cli': {
    holds: 'arguments, help, log, live view',
    values: ['config', 'text'],
    types: ['receiver/signals', 'receiver/views'],
  },
};
/** Every folder by its path below the project, in the order of the documents. */
export const FOLDERS: Readonly<Record<string, Folder>> = {
  ...folders,
  'receiver/agent': {
    holds: 'puts all together: run, pipeline, timers, reload, sweeps, own stats',
    values: [...Object.keys(folders), 'layout'],
  },
  receiver: { holds: '`main.ts` alone', values: ['receiver/agent'] },
};

/** The only folders of the receiver that read files: what the kernel says of this machine has one reader. */
export const FILE_READERS: readonly string[] = [
  'receiver/host',
  'receiver/cli',
  'receiver/recording',
  'receiver/feed',
];

/** Kinds of tests, and whose parts each may use besides its own: what two need is in test/support/. */
const TESTS: Readonly<Record<string, readonly string[]>> = {
  'test/unit': ['test/bench'],
  'test/native': [],
  'test/kernel': [],
  'test/e2e': [],
  'test/fuzz': [],
  'test/bench': [],
  'test/support': [],
};

const LAYOUT = 'receiver/decode/generated';

/** The folder of a path below the project; undefined: none of the table's. */
export function folderOf(path: string): string | undefined {
  if (path.startsWith(`${LAYOUT}/`)) return 'layout';
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1))
    if (path.slice(0, end) in FOLDERS || path.slice(0, end) in TESTS) return path.slice(0, end);
  return undefined;
}

/** Why a file of `from` may not import of `to`; undefined: it may. `isType`: nothing of it is left at run time. */
export function refusalOf(from: string, to: string, isType: boolean): string | undefined {
  if (from in TESTS) {
    if (from === to || !(to in TESTS) || to === 'test/support' || TESTS[from]?.includes(to) === true)
      return undefined;
    return `${from} uses no parts of ${to}: what two kinds of tests need is in test/support/.`;
  }
  const { values = [], types = [] } = FOLDERS[from] ?? {};
  if (from === to || values.includes(to) || (isType && types.includes(to))) return undefined;
  const what = types.includes(to) ? 'takes types alone' : 'imports nothing';
  return `${from} ${what} of ${to}: see scripts/imports/table.ts.`;
}
