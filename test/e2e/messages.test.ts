/** What a user gets for a mistake: one right sentence with what, where and what to do, and the right status. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { projectFolder } from '../backends/place.ts';
import { agentArgs, runToEnd, startAgent, type Agent } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';

interface Mistake {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Standard error after the program's name, whole; `*` stands for a path of the test's. */
  readonly says: string;
  /** Default 2: bad settings. */
  readonly status?: number;
  /** The program of a copy of the project that lacks something. */
  readonly main?: string;
}

const ALL_LEVELS = 'trace, debug, info, warn, error, fatal, silent';
const FLAGS = 'flags are --key.path value or --key.path=value, and --help shows the usual ones';

const cleanup = new Cleanup();

const folder = cleanup.makeFolder();
const file = (text: string): string => {
  const path = join(cleanup.makeFolder(), 'wirespan.yaml');
  writeFileSync(path, text);
  return path;
};

/** The sources elsewhere: nothing is built there, and no module installed unless asked for. */
function copyProject(name: string, { modules, addon }: { modules: boolean; addon?: string }): string {
  const copy = join(folder, name);
  const folders = ['receiver', 'config', 'native', 'semconv', 'text'];
  for (const each of [...folders, 'package.json'])
    cpSync(join(projectFolder, each), join(copy, each), {
      recursive: true,
      filter: (path) => !path.endsWith('.cc'),
    });
  if (modules) symlinkSync(join(projectFolder, 'node_modules'), join(copy, 'node_modules'));
  if (addon === undefined) return join(copy, 'receiver', 'main.ts');
  const built = join(copy, 'build', 'native');
  mkdirSync(built, { recursive: true });
  if (addon === '')
    cpSync(join(projectFolder, 'build', 'native', 'wirespan.node'), join(built, 'wirespan.node'));
  else writeFileSync(join(built, 'wirespan.node'), addon);
  return join(copy, 'receiver', 'main.ts');
}

const MISTAKES: Readonly<Record<string, Mistake>> = {
  'a flag of one letter that others have for the version, or for more lines': {
    args: ['-v'],
    says: '-v: is no flag; --version prints the version, --log.level debug logs more',
  },
  'the same after a command': {
    args: ['run', '-v'],
    says: '-v: is no flag; --version prints the version, --log.level debug logs more',
  },
  'a flag of one letter with a value': {
    args: ['-o', 'json'],
    says: '-o: is no flag; --output json, or table, shows rows on standard output',
  },
  'a flag of one letter with the value put to it': {
    args: ['run', '-o=json'],
    says: '-o: is no flag; --output json, or table, shows rows on standard output',
  },
  'a flag of one letter for the file': {
    args: ['run', '-c', '/etc/wirespan.yaml'],
    says: '-c: is no flag; --config FILE names the file of settings',
  },
  'a flag of one letter that nobody knows': { args: ['run', '-x'], says: `-x: is no flag; ${FLAGS}` },
  'a flag with one dash, whose value may be secret': {
    args: ['check-config', '-password=hunter2'],
    says: `argument 2: is no flag; ${FLAGS}`,
  },
  'a command that is none': {
    args: ['surgeon'],
    says: 'argument 1: is no command; commands are run, check-config, completion, manual, doctor, status and the views that --help lists',
  },
  'a misspelt command': {
    args: ['chek-config'],
    says: 'argument 1: is no command; commands are run, check-config, completion, manual, doctor, status and the views that --help lists; the nearest is check-config',
  },
  'no command': {
    args: ['--output', 'json'],
    says: 'command line: has no command; commands are run, check-config, completion, manual, doctor, status and the views that --help lists',
  },
  'two commands': {
    args: ['run', 'run'],
    says: 'argument 2: is one word too many after run; flags are --key.path value, and a value with spaces is quoted',
  },
  'a misspelt flag': {
    args: ['run', '--ouput', 'none'],
    says: 'flag --ouput: is no flag; the nearest is --output',
  },
  'a flag that is none': {
    args: ['run', '--verbosity', '3'],
    says: 'flag --verbosity: is no flag; docs/configuration.md has all, --help the usual ones',
  },
  'a flag without its value': { args: ['run', '--log.level'], says: 'flag --log.level: needs a value' },
  'a flag that takes no value': { args: ['run', '--help=all'], says: 'flag --help: takes no value' },
  'a level that others have': {
    args: ['run', '--log.level', 'verbose'],
    says: `log.level (flag --log.level): "verbose" must be one of ${ALL_LEVELS}; the nearest is debug`,
  },
  'a misspelt level': {
    args: ['run', '--log.level', 'eror'],
    says: `log.level (flag --log.level): "eror" must be one of ${ALL_LEVELS}; the nearest is error`,
  },
  'a level that is none': {
    args: ['run', '--log.level', 'loud'],
    says: `log.level (flag --log.level): "loud" must be one of ${ALL_LEVELS}`,
  },
  'a size that does not fit': {
    args: ['run', '--bpf.ring_buffer_size', '5MB'],
    says: 'bpf.ring_buffer_size (flag --bpf.ring_buffer_size): "5MB" must be a power of two from 4KiB to 1GiB; the nearest is 4MiB',
  },
  'a size without sense': {
    args: ['run', '--bpf.ring_buffer_size=4 gigs'],
    says: 'bpf.ring_buffer_size (flag --bpf.ring_buffer_size): "4 gigs" must be a power of two from 4KiB to 1GiB',
  },
  'a size in a file': {
    args: ['run', '--config', file('bpf:\n  ring_buffer_size: 5000\n')],
    says: 'bpf.ring_buffer_size (file *, line 2): 5000 must be a power of two from 4KiB to 1GiB; the nearest is 4KiB',
  },
  'a misspelt key in a file': {
    args: ['check-config', '--config', file('bpf:\n  ring_bufer_size: 4096\n')],
    says: 'bpf.ring_bufer_size (file *, line 2): is no setting; the nearest is bpf.ring_buffer_size',
  },
  'a key that is none': {
    args: ['check-config', '--config', file('dashboard: on\n')],
    says: 'dashboard (file *, line 1): is no setting; docs/configuration.md has all',
  },
  'a group in place of a key': {
    args: ['check-config', '--config', file('log: debug\n')],
    says: 'log (file *, line 1): is a group of settings, not one; give one of them, such as log.level',
  },
  'a file that is not there': {
    args: ['run', '--config', '/nonexistent.yaml'],
    says: 'configuration file /nonexistent.yaml: does not exist',
  },
  'a bad value in a variable': {
    args: ['run'],
    env: { WIRESPAN_EVENTS_TCP_CONNECTION_CLOSE: 'maybe' },
    says: 'events.tcp.connection.close (variable WIRESPAN_EVENTS_TCP_CONNECTION_CLOSE): "maybe" must be one of on, correlated, off',
  },
  'a misspelt variable': {
    args: ['run'],
    env: { WIRESPAN_EVENTS_TCP_CONNECTION_CLOSED: 'on' },
    says: 'variable WIRESPAN_EVENTS_TCP_CONNECTION_CLOSED: is no setting; the nearest is WIRESPAN_EVENTS_TCP_CONNECTION_CLOSE',
  },
  'a variable that is none': {
    args: ['run'],
    env: { WIRESPAN_DASHBOARD: 'on' },
    says: 'variable WIRESPAN_DASHBOARD: is no setting; docs/configuration.md has all',
  },
  'a misspelt standard variable': {
    args: ['check-config'],
    env: { OTEL_EXPORTER_OTLP_ENDPONT: 'http://user:hunter2@collector:4317' },
    says: 'variable OTEL_EXPORTER_OTLP_ENDPONT: is no standard variable; the nearest is OTEL_EXPORTER_OTLP_ENDPOINT',
  },
  'a misspelt standard variable of one signal': {
    args: ['check-config'],
    env: { OTEL_EXPORTER_OTLP_TRACE_ENDPOINT: 'http://collector:4317' },
    says: 'variable OTEL_EXPORTER_OTLP_TRACE_ENDPOINT: is no standard variable; the nearest is OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
  },
  'npm modules that are not installed': {
    args: ['run'],
    main: copyProject('no-modules', { modules: false }),
    status: 1,
    says: "the npm module convict is not installed: run 'npm run build' in the project's folder, or 'npm start'",
  },
  'an addon that is not built': {
    args: ['run'],
    main: copyProject('no-addon', { modules: true }),
    status: 1,
    says: "The native addon '*' is not built: build it with 'npm run build'.",
  },
  'an addon that does not load': {
    args: ['run'],
    main: copyProject('bad-addon', { modules: true, addon: 'not built for this machine' }),
    status: 1,
    says: "The native addon '*' does not load (file too short): build it again with 'npm run build'.",
  },
  'BPF programs that are not built': {
    args: ['run'],
    main: copyProject('no-programs', { modules: true, addon: '' }),
    status: 1,
    says: "Cannot open BPF object '*': No such file or directory (ENOENT); build it with 'npm run build', and check that the file is a BPF object.",
  },
};

describe('mistakes of a user', { concurrency: 2 }, () => {
  after(() => cleanup.run());

  for (const [name, { args, env = {}, says, status = 2, main }] of Object.entries(MISTAKES))
    it(name, async () => {
      const command = main === undefined ? agentArgs(...args) : ['--no-warnings', main, ...args];
      const { code, stdout, stderr } = await runToEnd(process.execPath, command, { env });
      const said = stderr.replaceAll(/\/[^\s',]*\/wirespan\.(yaml|node|bpf\.o)/g, '*');
      assert.deepEqual({ code, stdout, said }, { code: status, stdout: '', said: `wirespan: ${says}\n` });
    });

  it('a second agent says which other one is there, and runs', async () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', WIRESPAN_SHUTDOWN_DEADLINE: '1s' };
    const first = await startAgent(env);
    cleanup.add(() => first.kill());
    const second = await startAgent(env);
    cleanup.add(() => second.kill());
    const namedBy = (agent: Agent): number[] =>
      agent
        .log()
        .flatMap(({ msg, pids }) => (msg.startsWith('another wirespan runs') ? (pids as number[]) : []));
    assert.ok(namedBy(second).includes(first.pid));
    assert.ok(!namedBy(first).includes(second.pid));
  });

  it('variables of others, and their names like ours, are none', async () => {
    const env = {
      OTEL_EXPORTER_OTLP_METRIC_INSECURE: 'true',
      OTEL_EXPORTER_OTLP_PROFILES_ENDPOINT: 'http://collector:4317',
      OTEL_ENDPOINT: 'x',
      OTEL_LOG_LEVEL: 'debug',
      OTEL_SEMCONV_STABILITY_OPT_IN: 'http',
      OTEL_TRACES_SAMPLER: 'always_on',
    };
    const { code, stderr } = await runToEnd(process.execPath, agentArgs('check-config'), { env });
    assert.deepEqual([code, stderr], [0, '']);
  });
});
