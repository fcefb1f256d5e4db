/** Where views look for an agent, before anything of one is read. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { feedPlace, type FeedPlace } from '../../../receiver/agent/feed-place.ts';
import { findView } from '../../../receiver/views/find.ts';
import { optionsOf } from '../../../receiver/views/help.ts';
import { parseViewArguments } from '../../../receiver/views/options.ts';

const VARIABLE = 'WIRESPAN_VIEWS_SOCKET';
const before = process.env[VARIABLE];
/** Something is there. */
const PLACE = import.meta.filename;

after(() => {
  if (before === undefined) delete process.env[VARIABLE];
  else process.env[VARIABLE] = before;
});

async function placeOf(command: string, variable = PLACE): Promise<FeedPlace | undefined> {
  const [name = '', ...argv] = command.split(' ');
  const view = (await findView(name)) ?? assert.fail(name);
  process.env[VARIABLE] = variable;
  return feedPlace(view, parseViewArguments(name, optionsOf(view), argv, view.words));
}

test('a view looks where the variable says, when something is there, and where it is told to in any case', async () => {
  assert.deepEqual(await placeOf('tcplife'), { path: PLACE, isNamed: false });
  assert.equal(await placeOf('tcplife', '/none'), undefined);
  assert.deepEqual(await placeOf('tcplife --agent /none'), { path: '/none', isNamed: true });
});

test('a view looks for none when it is told not to, or has what no agent has', async () => {
  assert.equal(await placeOf('tcplife --no-agent'), undefined);
  assert.equal(await placeOf('tcplife', 'off'), undefined);
  assert.equal(await placeOf('tcprtt'), undefined);
  assert.deepEqual(await placeOf('softirqs'), { path: PLACE, isNamed: false });
  assert.equal(await placeOf('softirqs -C'), undefined);
  await assert.rejects(placeOf('softirqs -C --agent /none'), {
    message: /softirqs: --agent: does not go with --events: leave one of them out/,
  });
});
