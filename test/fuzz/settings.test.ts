import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError, dumpConfig } from '../../config/index.ts';
import { corpusOf, fuzz, inputsOf } from './fuzz.ts';
import { checkDump, checkMessage, SECRET } from './oracles.ts';
import { isInEndpoint, isInFile, isInHeaders, isInUser } from './secret-places.ts';

const tokens = [
  'otlp:',
  '\n  ',
  ': ',
  '[]',
  '{}',
  '"',
  '#',
  '- ',
  'on',
  '1e9',
  '-1',
  'null',
  'filter:',
  'metrics.',
  '8MiB',
];

interface Given {
  readonly yaml?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly argv?: readonly string[];
}

/** What check-config prints for a file, variables or flags; undefined when they are refused in words. */
function dumpOf({ yaml, env = {}, argv = [] }: Given, isSecretInPlace: boolean): string | undefined {
  const file = yaml === undefined ? [] : ['--config', 'settings.yaml'];
  try {
    return dumpConfig({ argv: [...file, ...argv], env, readFile: () => yaml ?? '' });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    checkMessage(error.message, isSecretInPlace);
    return undefined;
  }
}

/** Refused in words, or taken: then what is shown can be loaded again, and shows the same. */
function isTaken(given: Given, isSecretInPlace: boolean): boolean {
  const dump = dumpOf(given, isSecretInPlace);
  if (dump === undefined) return false;
  checkDump(dump, dumpOf({ yaml: dump }, isSecretInPlace), isSecretInPlace);
  return true;
}

test('settings in a file: they are taken, or refused in short words; what is taken can be loaded again', async (t) => {
  let taken = 0;
  const count = await fuzz(inputsOf(corpusOf('settings'), tokens), (input) => {
    const yaml = input.toString();
    taken += Number(isTaken({ yaml }, isInFile(yaml)));
  });
  t.diagnostic(`${String(count)} inputs, ${String(taken)} taken`);
  assert.ok(count > 20 && taken > 0 && taken < count);
});

/** By variable or flag: whether a text has the secret only where it may not be shown. */
const places: Readonly<Record<string, (text: string) => boolean>> = {
  OTEL_EXPORTER_OTLP_ENDPOINT: isInEndpoint,
  OTEL_EXPORTER_OTLP_HEADERS: isInHeaders,
  OTEL_METRIC_EXPORT_INTERVAL: isInUser,
  // The attributes of the agent's own resource are shown.
  OTEL_RESOURCE_ATTRIBUTES: () => false,
  WIRESPAN_FILTER_EXCLUDE: isInUser,
  WIRESPAN_SUBNETS: isInUser,
  WIRESPAN_BPF_RING_BUFFER_SIZE: isInUser,
  WIRESPAN_EVENTS_TCP_RETRANSMIT: isInUser,
  '--bpf.max_series': isInUser,
  '--otlp.endpoint': isInEndpoint,
  '--otlp.headers': isInHeaders,
  '--shutdown.deadline': isInUser,
  '--filter.include': isInUser,
};

const texts = [
  'on',
  '8MiB',
  '10s',
  '10.0.0.0/8,fd00::/8',
  `http://u:${SECRET}@127.0.0.1:4317`,
  `https://127.0.0.1:4318/v1?api_key=${SECRET}`,
  `a=${SECRET},b=2`,
].map((text) => Buffer.from(text));

test('settings in variables and flags: the same', async (t) => {
  let taken = 0;
  const count = await fuzz(inputsOf(texts, [...tokens, ',', '=', '@', '://', '%', '\0', '\n']), (input) => {
    const text = input.toString();
    for (const [name, isIn] of Object.entries(places)) {
      const given = name.startsWith('--') ? { argv: [`${name}=${text}`] } : { env: { [name]: text } };
      taken += Number(isTaken(given, isIn(text)));
    }
  });
  t.diagnostic(`${String(count)} inputs, ${String(taken)} taken`);
  assert.ok(count > 10 && taken > 0);
});
