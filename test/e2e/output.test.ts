/** Standard streams as users have them, which do not take what the agent writes. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { Cleanup } from '../support/cleanup.ts';
import { waitFor } from '../support/wait.ts';
import { agentCommand, OutputRig, type Run } from './output-rig.ts';
import { onTerminal } from './terminal.ts';

const CTRL_S = '\x13';
/** Lines of 2 KB that are more than the small disk of 64 KiB. */
const DISK_LINES = 61;
const SMALL_DISK =
  'mount -t tmpfs -o size=64k,mode=755 none "$0" && head -c 24K /dev/zero >"$0/other" && exec "$@" 2>"$0/log"';
const MISSING = 'lines of this output are missing: it failed with ENOSPC for a while';
const STATUS = 7;

describe('standard streams that take nothing', () => {
  const cleanup = new Cleanup();
  /** What goes with each test: an agent that is left over would count the next one's connections as well. */
  const each = new Cleanup();
  let rig: OutputRig;

  before(async () => {
    rig = await OutputRig.start(cleanup);
  });
  afterEach(() => each.run());
  after(() => cleanup.run());

  const onTerminalWith = async (keys: string): Promise<Run> => {
    const terminal = await onTerminal(each, agentCommand('table'), rig.settings());
    if (keys !== '') {
      terminal.read();
      await waitFor('the live table', () => terminal.text().includes(' connections ·'));
      terminal.type(keys);
    }
    return { pid: terminal.pid(), status: terminal.status };
  };
  for (const [name, keys] of Object.entries({ 'that nobody reads': '', 'after Ctrl-S': CTRL_S }))
    it(`a terminal ${name}`, async () => {
      const run = await onTerminalWith(keys);
      await rig.holds(run, () => rig.dropped(run, 'stderr') > 0);
    });

  for (const [name, script] of Object.entries({
    'a full pipe': 'exec "$@" 2> >(exec tail --pid=$$ -f /dev/null)',
    'a full socket, as a service manager gives': 'exec "$@"',
  }))
    it(name, async () => {
      const run = rig.start(each, 'none', script);
      await rig.holds(run, () => rig.dropped(run, 'stderr') > 0);
    });

  it('--output=json into head', async () => {
    const path = join(each.makeFolder(), 'read');
    const run = rig.start(each, 'json', 'exec "$@" > >(exec head -n1 >"$0") 2>"$0.log"', path);
    await rig.holds(run, () => rig.dropped(run, 'stdout') > 0);
    assert.match(readFileSync(path, 'utf8'), /^\{.*\}\n$/);
    const said = readFileSync(`${path}.log`, 'utf8').match(/nobody reads the live view any more/g);
    assert.equal(said?.length, 1);
  });

  it('--output=json and the log into head', async () => {
    const path = join(each.makeFolder(), 'read');
    const run = rig.start(each, 'json', 'exec "$@" > >(exec head -n1 >"$0") 2>&1', path);
    await rig.holds(run, () => rig.dropped(run, 'stderr') > 0);
    assert.match(readFileSync(path, 'utf8'), /^\{.*\}\n$/);
  });

  it('a full disk: lines that it did not take are counted, and told when there is room', async () => {
    const disk = each.makeFolder();
    const run = rig.start(each, 'none', `exec unshare -m bash -c '${SMALL_DISK}' "$0" "$@"`, disk);
    await rig.whenExporting(run);
    // The disk is the agent's alone.
    const path = (name: string): string => `/proc/${run.pid}/root${disk}/${name}`;
    const lines = (): string[] => readFileSync(path('log'), 'utf8').split('\n');
    const written = (): number =>
      lines().filter((line) => line.includes('settings stay as they are') && line.endsWith('}')).length;
    const missing = (): number => DISK_LINES - written();
    await rig.complain(run, DISK_LINES);
    const isCounted = (): boolean => missing() > 0 && rig.dropped(run, 'stderr') === missing();
    await rig.whileRunning(run, 'all others to be counted', isCounted);
    const lost = missing();
    rmSync(path('other'));
    await rig.complain(run, 1);
    const told = (): string | undefined => lines().find((line) => line.includes(MISSING));
    await rig.whileRunning(run, 'it to be told', () => told() !== undefined);
    const { stream, dropped } = JSON.parse(told() ?? '{}') as Record<string, unknown>;
    assert.deepEqual({ stream, dropped }, { stream: 'stderr', dropped: lost });
    assert.equal(written(), DISK_LINES - lost + 1);
    // Full again.
    await rig.holds(run, () => rig.dropped(run, 'stderr') > lost);
  });

  it('no standard input, output and error', async () => {
    const run = rig.start(each, 'json', 'exec "$@" <&- >&- 2>&-');
    await rig.holds(run, () => true);
    assert.equal(rig.dropped(run, 'stderr'), 0);
  });

  it('a write that holds a thread does not hold up the end', async () => {
    const script = join(import.meta.dirname, 'stuck-output.ts');
    const terminal = await onTerminal(each, [process.execPath, '--no-warnings', script, String(STATUS)], {});
    await waitFor('its end', () => terminal.status() !== undefined);
    assert.equal(terminal.status(), STATUS);
  });
});
