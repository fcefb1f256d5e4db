import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readDeclared } from '../../receiver/enrich/declared.ts';
import { findOtelVariables } from '../../receiver/host/otel-environment.ts';
import { ResourceBuilder } from '../../receiver/enrich/resources.ts';
import { CURL_OWNER } from '../support/decode-one.ts';
import { corpusOf, fuzz, inputsOf } from './fuzz.ts';
import { checkDeclared, checkResource } from './oracles.ts';

/** As `/proc/PID/environ` has it: the files of the corpus have a line for each variable. */
const corpus = corpusOf('environments').map((text) => Buffer.from(text.toString().replaceAll('\n', '\0')));
const tokens = [
  'OTEL_SERVICE_NAME=',
  'OTEL_RESOURCE_ATTRIBUTES=',
  '\0',
  ',',
  '=',
  '%2C',
  '%',
  'host.id=x,',
  '\u{1f4a7}',
];

const builder = new ResourceBuilder(
  { hostId: 'h', hostName: 'node', hostArch: 'amd64', version: '0.0.0', agentInstanceId: 'a', bootId: 'b' },
  'auto',
);

test('environments: what a process declares is within its bounds, and never what is observed', async (t) => {
  let declaring = 0;
  const count = await fuzz(inputsOf(corpus, tokens), (input) => {
    const declared = readDeclared(findOtelVariables(input));
    declaring += Number(declared.attributes.size > 0);
    checkDeclared(declared.attributes);
    const { attributes } = builder.workload({
      owner: CURL_OWNER,
      executable: 'curl',
      declared: declared.attributes,
      userId: 1000,
      container: {},
      creationTime: '2026-01-01T00:00:00.000Z',
    });
    checkResource(attributes, 'node');
  });
  t.diagnostic(`${String(count)} inputs, ${String(declaring)} declared something`);
  assert.ok(count > 100 && declaring > 0 && declaring < count);
});
