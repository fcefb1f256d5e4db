/** What is read before a view watches: a module takes a good part of a millisecond. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentArgs, runToEnd } from '../support/agent.ts';

const SOURCE = String.raw`
import { writeSync } from 'node:fs';
import { registerHooks } from 'node:module';
registerHooks({
  load(url, context, next) {
    writeSync(2, url + '\n');
    return next(url, context);
  },
});
`;
/** Tells of each module on standard error. */
const TELL = `data:text/javascript,${encodeURIComponent(SOURCE)}`;
const UNNEEDED =
  /node_modules\/(yaml|dns-packet|string-width|terminal-kit|@opentelemetry|@grpc|pino)\/|receiver\/(recording\/(?!error)|feed\/(?!errors|protocol|there)|report|ui|tap|views\/(softirqs|tcptop|top))/;

test('a view reads neither other views nor what only settings, agents, recordings and pages need', async () => {
  const { stderr } = await runToEnd(process.execPath, ['--import', TELL, ...agentArgs('tcplife', '--help')]);
  const modules = stderr.split('\n');
  assert.ok(modules.some((module) => module.endsWith('receiver/views/tcplife.ts')));
  assert.ok(modules.some((module) => module.endsWith('receiver/source/kernel-source.ts')));
  assert.deepEqual(
    modules.filter((module) => UNNEEDED.test(module)),
    [],
  );
});
