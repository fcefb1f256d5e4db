import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findView } from '../../../receiver/views/find.ts';
import { VIEWS } from '../../../receiver/views/index.ts';

test('each view is found by its command, and nothing else is', async () => {
  for (const view of VIEWS) assert.equal(await findView(view.name), view);
  for (const name of ['', 'tcp', 'constructor', undefined]) assert.equal(await findView(name), undefined);
});
