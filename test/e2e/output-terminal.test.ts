/** A terminal does not take what the agent writes, or goes away. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { agentSettings } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { waitFor } from '../support/wait.ts';
import { agentCommand, type Streamed } from './streamed-agent.ts';
import { StreamRig } from './stream-rig.ts';
import { onTerminal, type Terminal } from './terminal.ts';

/** Lines of 2 KB: more than a terminal and the 256 KiB that wait for a reader. */
const LINES = 211;
const CTRL_S = '\x13';

describe('a terminal that takes nothing', () => {
  const cleanup = new Cleanup();
  let rig: StreamRig;

  before(async () => {
    rig = await StreamRig.start(cleanup);
  });
  after(() => cleanup.run());

  const start = async (): Promise<{ terminal: Terminal; agent: Streamed }> => {
    const terminal = await onTerminal(cleanup, agentCommand('--output=table'), agentSettings(rig.settings()));
    return { terminal, agent: { pid: terminal.pid(), status: terminal.status } };
  };
  const fill = async (agent: Streamed): Promise<void> => {
    await rig.lines.provoke(agent.pid, LINES);
    await waitFor('lines to be dropped', () => rig.dropped(agent, 'stderr') > 0);
  };

  it('that nobody reads', async () => {
    const { agent } = await start();
    await rig.endures({ agent, begin: () => fill(agent) });
  });

  it('after Ctrl-S', async () => {
    const { terminal, agent } = await start();
    terminal.read();
    await rig.endures({
      agent,
      begin: async () => {
        await waitFor('the live table', () => terminal.text().includes('PROCESS'));
        terminal.type(CTRL_S);
        await fill(agent);
      },
    });
  });

  it('while a write of a user who may not open it again holds a thread: the end waits for none', async () => {
    const script = join(import.meta.dirname, 'stuck-output.ts');
    const terminal = await onTerminal(cleanup, [process.execPath, '--no-warnings', script], {});
    await waitFor('its end', () => terminal.status() !== undefined);
    assert.equal(terminal.status(), 7);
  });
});
