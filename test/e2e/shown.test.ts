/** What a person sees: on terminals of every kind, in 80 columns, through a pipe and in a file. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { agentArgs, agentSettings, startAgent, type Agent } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { waitFor } from '../support/wait.ts';
import { onTerminal, type Terminal } from './terminal.ts';

/** Where nothing listens: a line of the log comes while the table is there. */
const NOWHERE = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' };
const CTRL_C = '\x03';
/** Processes of one command, with one connection each. */
const HOLDERS = 17;
const AGENT = [process.execPath, ...agentArgs('run')];
const ESCAPE = /[\x1b\r]/;
const COLOUR = /\x1b\[[\d;]+m/;

describe('what a person sees', () => {
  const cleanup = new Cleanup();
  const each = new Cleanup();
  let port = 0;
  let pids: readonly number[] = [];

  before(async () => {
    let accepted = 0;
    const server = createServer(() => void (accepted += 1)).listen(0, '127.0.0.1');
    cleanup.add(() => void server.close());
    await waitFor('the server', () => server.listening);
    ({ port } = server.address() as AddressInfo);
    const script = `exec 3<>/dev/tcp/127.0.0.1/${String(port)}; read`;
    const holders = Array.from({ length: HOLDERS }, () =>
      spawn('bash', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'] }),
    );
    cleanup.add(() => void holders.map((holder) => holder.kill('SIGKILL')));
    await waitFor('all connections', () => accepted === HOLDERS);
    pids = holders.map(({ pid = 0 }) => pid);
  });
  afterEach(() => each.run());
  after(() => cleanup.run());

  const start = async (env: Record<string, string>, command = AGENT): Promise<Terminal> => {
    const terminal = await onTerminal(each, command, agentSettings({ ...NOWHERE, ...env }));
    terminal.read();
    return terminal;
  };
  /** One row for all of them; else one for each. */
  const isFolded = (text: string): boolean =>
    new RegExp(`^bash +×${HOLDERS} +127\\.0\\.0\\.1:${port} +${HOLDERS} `, 'm').test(text);
  const isOpened = (text: string): boolean =>
    pids.every((pid) => new RegExp(`^bash +${pid} +127\\.0\\.0\\.1:${port} +1 `, 'm').test(text));
  const whenShown = (terminal: Terminal): Promise<void> =>
    waitFor('the row of all', () => isFolded(terminal.text()));
  const end = async (terminal: Terminal): Promise<void> => {
    terminal.type(CTRL_C);
    await waitFor('its end', () => terminal.status() !== undefined);
  };

  it('on a terminal: colours, and one row for the processes of a command, which a setting opens', async () => {
    const path = join(each.makeFolder(), 'wirespan.yaml');
    writeFileSync(path, '{}\n');
    const terminal = await start({ WIRESPAN_CONFIG: path, WIRESPAN_SHUTDOWN_DEADLINE: '1s' });
    await whenShown(terminal);
    await waitFor('a line of the log', () => /WARN: no collector/.test(terminal.text()));
    assert.match(terminal.raw(), COLOUR);
    assert.match(terminal.text(), /ENDPOINT +OPEN +RETRANS +DROPS +RTT +STATE/);
    assert.doesNotMatch(terminal.text(), new RegExp(`^bash +${String(pids[0])} `, 'm'));
    writeFileSync(path, 'display.group_by: process\n');
    process.kill(terminal.pid(), 'SIGHUP');
    await waitFor('a row for each', () => isOpened(terminal.text()));
  });

  it('with NO_COLOR: the table in place, and no colour in the log', async () => {
    const terminal = await start({ NO_COLOR: '1', WIRESPAN_SHUTDOWN_DEADLINE: '1s' });
    await whenShown(terminal);
    await end(terminal);
    assert.match(terminal.text(), /INFO: stopped/);
    assert.doesNotMatch(terminal.raw(), COLOUR);
  });

  it('with TERM=dumb: pages, and nothing but text', async () => {
    const terminal = await start({ TERM: 'dumb', WIRESPAN_SHUTDOWN_DEADLINE: '1s' });
    await whenShown(terminal);
    await end(terminal);
    assert.match(terminal.text(), /INFO: stopped/);
    assert.doesNotMatch(terminal.raw().replaceAll('\r\n', '\n'), ESCAPE);
  });

  const shell = (script: string, path: string): string[] => ['bash', '-c', script, path, ...AGENT];
  const isPage = (text: string): boolean => /^PROCESS .*RETRANS +DROPS +RTT /m.test(text);
  for (const [name, [script, isThere]] of Object.entries({
    'led to a file': ['exec "$@" >"$0"', isFolded],
    'led to a pipe': ['"$@" | cat >"$0"', isFolded],
    'led to head': ['"$@" | head -n 4 >"$0"', isPage],
  } as const))
    it(`${name} at a terminal: pages of text`, async () => {
      const path = join(each.makeFolder(), 'read');
      writeFileSync(path, '');
      const terminal = await start({ WIRESPAN_SHUTDOWN_DEADLINE: '1s' }, shell(script, path));
      await waitFor('a page', () => isThere(readFileSync(path, 'utf8')));
      await end(terminal);
      assert.doesNotMatch(readFileSync(path, 'utf8'), ESCAPE);
    });

  it('without a terminal: a pipe is told in one line how rows are had', async () => {
    const { stdout } = await (await startApart([])).stop();
    const { msg, level } = JSON.parse(stdout) as Record<string, unknown>;
    assert.deepEqual([level, stdout.split('\n').length], ['info', 2]);
    assert.match(String(msg), /--output=table shows it, --output=json gives it to programs$/);
  });

  it('without a terminal: where the log goes as well, it is left alone', async () => {
    const { stdout, stderr } = await (await startApart(['bash', '-c', 'exec "$@" >&2', 'bash'])).stop();
    assert.deepEqual([stdout, stderr.includes('--output')], ['', false]);
  });
});

/** An agent without a terminal, and with nothing said of its output. */
async function startApart(launcher: readonly string[]): Promise<Agent> {
  return startAgent({ ...NOWHERE, WIRESPAN_SHUTDOWN_DEADLINE: '1s' }, ['run'], ['setsid', '-w', ...launcher]);
}
