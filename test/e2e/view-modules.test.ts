/** What is read before a view watches: a module takes a good part of a millisecond. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentArgs, runToEnd } from '../support/agent.ts';
import { TELL_MODULES } from '../support/tell-modules.ts';

const UNNEEDED =
  /node_modules\/(yaml|dns-packet|string-width|terminal-kit|@opentelemetry|@grpc|pino)\/|receiver\/(recording\/(?!error)|feed\/(?!errors|protocol|there)|report|ui|tap|views\/(softirqs|tcptop|top))/;

test('a view reads neither other views nor what only settings, agents, recordings and pages need', async () => {
  const { stderr } = await runToEnd(process.execPath, [
    '--import',
    TELL_MODULES,
    ...agentArgs('tcplife', '--help'),
  ]);
  const modules = stderr.split('\n');
  assert.ok(modules.some((module) => module.endsWith('receiver/views/tcplife.ts')));
  assert.ok(modules.some((module) => module.endsWith('receiver/source/kernel-source.ts')));
  assert.deepEqual(
    modules.filter((module) => UNNEEDED.test(module)),
    [],
  );
});
