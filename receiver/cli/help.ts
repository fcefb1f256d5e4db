import wrapAnsi from 'wrap-ansi';
import { SCHEMA } from '../../config/index.ts';

/** Keys that most people need, by what they are for; docs/configuration.md has all. */
const SHOWN: readonly (readonly [title: string, keys: readonly string[]])[] = [
  ['Where it goes', ['otlp.endpoint', 'otlp.protocol', 'otlp.headers', 'export.metrics.interval', 'output']],
  ['What is sent', ['events.rate_limit', 'spans.rate_limit', 'attributes.network.peer.address', 'addresses']],
  ['How it runs', ['bpf.ring_buffer_size', 'bpf.costly_variants', 'log.level', 'shutdown.deadline']],
];

const PREAMBLE = `wirespan watches TCP in the kernel and sends it as OpenTelemetry metrics, spans and events.

Usage:
  wirespan run [flags]                 observe this host until SIGTERM or Ctrl-C
  wirespan check-config [flags]        check the settings and print them, secrets masked
  wirespan doctor [--json] [flags]     say what works here, and what to do about what does not
  wirespan VIEW [options]              show one kind of event here, as it comes (VIEW --help)
  wirespan record|replay|report FILE   keep what this host shows, show it again, as a page (--help)
  wirespan status | completion SHELL | manual | --help | --version

Every setting is a flag (--key.path value), an environment variable (WIRESPAN_KEY_PATH) and a key
of the YAML file (--config FILE). Flags win over the environment, the environment over the file.
The standard OTEL_* variables work. Each signal has a switch of its own:
  --metrics.<name> on|off   --events.<name> on|correlated|off   --spans.<name> <mode>`;

const CLOSING = `Exit codes: 0 ended as asked, 1 failed, 2 bad settings, 3 no privilege or no BTF.
All settings: docs/configuration.md`;

function defaultOf(key: string): string {
  const setting = SCHEMA.get(key);
  if (setting === undefined) throw new Error(`help names the unknown setting ${key}`);
  if (setting.defaultText !== undefined) return setting.defaultText.replaceAll('`', '');
  return Array.isArray(setting.default) ? 'none' : String(setting.default);
}

function flagLines(keys: readonly string[], width: number): string[] {
  return keys.map((key) => `  --${key.padEnd(width)}  ${defaultOf(key)}`);
}

const LIST_WIDTH = 98;

/** The text of `--help`, with the defaults as the schema has them; ends with a newline. */
export function renderHelp(views: readonly { readonly name: string }[]): string {
  const width = SHOWN.flatMap(([, keys]) => keys).reduce((most, key) => Math.max(most, key.length), 0);
  const groups = SHOWN.map(([title, keys]) => [`${title} (defaults):`, ...flagLines(keys, width)].join('\n'));
  const list = `Views, as the tools of BCC: ${views.map(({ name }) => name).join(' ')}`;
  const shown = wrapAnsi(list, LIST_WIDTH).replaceAll('\n', '\n  ');
  return [PREAMBLE, shown, ...groups, CLOSING].join('\n\n') + '\n';
}
