/** A `tcp-script` whose threads publish their trace context (OTEP 4947), known to the programs as the agent would. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { ThreadLayouts } from '../../../receiver/agent/thread-layouts.ts';
import { readThreadLayout, type LayoutLook } from '../../../receiver/host/thread-layout.ts';
import type { Owner } from '../../../receiver/model/resource.ts';
import { projectFolder } from '../../backends/place.ts';
import { SCHEMA } from '../../support/thread-context.ts';
import { waitFor } from '../../support/wait.ts';
import type { TcpScript } from '../../support/script.ts';
import type { Watcher } from '../../support/watcher.ts';
import type { Stage } from './conversation.ts';

const FOLDER = join(projectFolder, 'build', 'test', 'kernel');

/** A library that publishes, in a model of thread-local storage. */
export const library = (model: string): string => join(FOLDER, `publish-${model}.so`);

/** The process as the programs know it: by a connection of its own. */
export async function ownerOf(stage: Stage, script: TcpScript): Promise<Owner> {
  const client = script.next();
  await script.run('socket', client, 0);
  await script.run('connect', client, stage.port);
  await script.run('close', client);
  const server = stage.script.next();
  await stage.script.run('accept', server, stage.listener);
  await stage.script.run('close', server);
  let owner: Owner | undefined;
  await waitFor('the process', () => {
    const opens = stage.watcher.records().flatMap((record) => (record.kind === 'open' ? [record] : []));
    owner = opens.find((record) => record.owner.pid === script.pid)?.owner;
    return owner !== undefined;
  });
  assert.ok(owner !== undefined);
  return owner;
}

/** Tells the programs of where its threads publish. */
export function tell(watcher: Watcher, owner: Owner, look: LayoutLook): ThreadLayouts {
  const layouts = new ThreadLayouts(watcher.source);
  assert.ok(typeof look === 'object', `the layout is ${String(look)}`);
  layouts.add(owner, look);
  return layouts;
}

/** It publishes by this library (`-`: itself), and the programs know where. */
export async function beginToPublish(
  stage: Stage,
  script: TcpScript,
  from: string,
): Promise<{ readonly owner: Owner; readonly layouts: ThreadLayouts; readonly look: LayoutLook }> {
  await script.run('publisher', 0, from, SCHEMA);
  const owner = await ownerOf(stage, script);
  const look = await readThreadLayout('/proc', script.pid, { version: SCHEMA });
  return { owner, look, layouts: tell(stage.watcher, owner, look) };
}
