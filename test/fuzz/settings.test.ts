import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError, dumpConfig } from '../../config/index.ts';
import { corpusOf, fuzz, inputsOf } from './fuzz.ts';

const SECRET = 'hunter2hunter2';
const MAX_LINES = 6;
/** A line of a message, and what stands before it. */
const MAX_LINE = 700;

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

/** What check-config prints for a file, variables or flags; undefined when they are refused in words. */
function dumpOf(given: { yaml?: string; env?: Record<string, string>; argv?: string[] }): string | undefined {
  const { yaml, env = {}, argv = [] } = given;
  const file = yaml === undefined ? [] : ['--config', 'settings.yaml'];
  try {
    return dumpConfig({ argv: [...file, ...argv], env, readFile: () => yaml ?? '' });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const lines = error.message.split('\n');
    assert.ok(lines.length <= MAX_LINES && lines.every((line) => line.length <= MAX_LINE), error.message);

    assert.doesNotMatch(error.message, /[\0-\x09\x0b-\x1f\x7f-\x9f]/);
    assert.ok(!error.message.includes(SECRET), error.message);
    return undefined;
  }
}

function hasSecretUser(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { username, password, host } = new URL(text);
  return `${username}${password}`.includes(SECRET) && host !== '' && !host.includes(SECRET);
}

function checkDump(dump: string | undefined): void {
  if (dump === undefined) return;
  assert.ok(!dump.includes(SECRET), dump);
}

test('settings in a file: they are taken, or refused in short words; what is taken can be loaded again', async (t) => {
  let taken = 0;
  const count = await fuzz(inputsOf(corpusOf('settings'), tokens), (input) => {
    const dump = dumpOf({ yaml: input.toString() });
    checkDump(dump);
    if (dump === undefined) return;
    taken += 1;
    const uncommented = (text: string): string => text.replaceAll(/ +# .*$/gm, '');
    const again = dumpOf({ yaml: dump });
    assert.equal(again === undefined ? undefined : uncommented(again), uncommented(dump));
  });
  t.diagnostic(`${String(count)} inputs, ${String(taken)} taken`);
  assert.ok(count > 20 && taken > 0 && taken < count);
});

test('settings in variables and flags: the same', async (t) => {
  let taken = 0;
  const corpus = [
    'on',
    '8MiB',
    '10s',
    '10.0.0.0/8,fd00::/8',
    `http://u:${SECRET}@127.0.0.1:4317`,
    `a=${SECRET},b=2`,
  ];
  const names = [
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    'OTEL_EXPORTER_OTLP_HEADERS',
    'OTEL_METRIC_EXPORT_INTERVAL',
    'OTEL_RESOURCE_ATTRIBUTES',
    'WIRESPAN_FILTER_EXCLUDE',
    'WIRESPAN_SUBNETS',
    'WIRESPAN_BPF_RING_BUFFER_SIZE',
    'WIRESPAN_EVENTS_TCP_RETRANSMIT',
  ];
  const flags = [
    '--bpf.max_series',
    '--otlp.endpoint',
    '--otlp.headers',
    '--shutdown.deadline',
    '--filter.include',
  ];
  const inputs = inputsOf(
    corpus.map((text) => Buffer.from(text)),
    [...tokens, ',', '=', '@', '://', '%', '\0', '\n'],
  );
  const count = await fuzz(inputs, (input) => {
    const text = input.toString();
    // Where no secret belongs a text is shown, unless it is an endpoint with a user or a password.
    const isTold = text.includes(SECRET) && !hasSecretUser(text);
    for (const name of names) {
      if (isTold && !name.startsWith('OTEL_EXPORTER')) continue;
      // The attributes of the agent's own resource are shown.
      if (name === 'OTEL_RESOURCE_ATTRIBUTES' && text.includes(SECRET)) continue;
      const dump = dumpOf({ env: { [name]: text } });
      taken += Number(dump !== undefined);
      checkDump(dump);
    }
    for (const flag of flags)
      if (!isTold || flag.startsWith('--otlp')) checkDump(dumpOf({ argv: [`${flag}=${text}`] }));
  });
  t.diagnostic(`${String(count)} inputs, ${String(taken)} taken`);
  assert.ok(count > 10 && taken > 0);
});
