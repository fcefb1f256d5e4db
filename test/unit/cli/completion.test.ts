/** Completion of the shells and the manual: all of them from the tables that the options are read by. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { allCommands, renderAbout } from '../../../receiver/agent/about.ts';
import { SHELLS } from '../../../receiver/cli/command-table.ts';
import { optionsOf } from '../../../receiver/views/help.ts';
import { VIEWS } from '../../../receiver/views/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'wirespan-completion-'));
after(() => rmSync(folder, { recursive: true }));

/** Every way to write every option. */
const written = allCommands().flatMap(({ name, options }) =>
  options.flatMap(({ long, short }) => [
    { name, text: long },
    ...(short === undefined ? [] : [{ name, text: short }]),
  ]),
);

describe('the table of commands', () => {
  it('has every view with all of its options', () => {
    for (const view of VIEWS) {
      const command = allCommands().find(({ name }) => name === view.name);
      assert.deepEqual(command?.options, optionsOf(view), view.name);
      assert.ok(view.example[0].startsWith(`wirespan ${view.name}`), view.name);
    }
    assert.ok(written.length > 300, String(written.length));
  });
});

describe('completion in a real bash', () => {
  let output: string;
  /** What is typed, the key of completion as \t, and the command that bash runs then. */
  const cases: readonly (readonly [typed: string, runs: string])[] = [
    ['tcpsy\t', 'tcpsynbl'],
    ['compl\tz\t', 'completion zsh'],
    ['tcplife --localp\t80', 'tcplife --localport 80'],
    ['tcplife -L 80 --wi\t', 'tcplife -L 80 --wide'],
    // What an option takes is no option.
    ['tcplife --localport --wi\t', 'tcplife --localport --wi'],
    ['run --log.level war\t', 'run --log.level warn'],
    ['run --log.level=debu\t', 'run --log.level=debug'],
    ['check-config --otlp.proto\tgr\t', 'check-config --otlp.protocol grpc'],
    [`run --config ${folder}/settings\t`, `run --config ${folder}/settings-of-mine.yaml`],
    ['replay case --speed rec\t', 'replay case --speed recorded'],
    ['record --mask\t case', 'record --mask-addresses case'],
    ['run --metrics.tcp.connection.op\to\b', 'run --metrics.tcp.connection.opened '],
  ];

  before(async () => {
    const file = join(folder, 'bash');
    writeFileSync(file, renderAbout('completion', ['bash']));
    writeFileSync(join(folder, 'settings-of-mine.yaml'), '');
    const child = spawn('script', ['-qfc', 'bash --norc --noprofile -i', '/dev/null'], {
      env: { ...process.env, TERM: 'dumb', INPUTRC: '/dev/null', PS1: '' },
    });
    output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    const ended = new Promise((resolve) => child.once('close', resolve));
    child.stdin.write(
      `wirespan() { printf 'ran<%s>\\n' "$*"; }; source ${file}; bind 'set bell-style none'\n`,
    );
    for (const [typed] of cases) child.stdin.write(`wirespan ${typed}\n`);
    child.stdin.write('exit\n');
    await ended;
  });

  it('finishes commands, options, choices and files', () => {
    const ran = [...output.matchAll(/ran<([^%].*?)>\r?\n/g)].map(([, words = '']) => words.trimEnd());
    assert.deepEqual(
      ran,
      cases.map(([, runs]) => runs.trimEnd()),
      output,
    );
  });
});

describe('completion for each shell', () => {
  it('has every command and option', () => {
    for (const shell of SHELLS) {
      const script = renderAbout('completion', [shell]);
      for (const { name, text } of written)
        assert.match(script, new RegExp(`[- ]${text.replaceAll('.', '\\.')}\\b`), `${shell} ${name} ${text}`);
    }
  });

  it('zsh: quotes are in pairs, and nothing in a help ends its brackets', () => {
    const specs = renderAbout('completion', ['zsh'])
      .split('\n')
      .filter((line) => /^ +'/.test(line));
    for (const spec of specs) {
      assert.equal((spec.replaceAll("'\\''", '').match(/'/g)?.length ?? 0) % 2, 0, spec);
      const open = spec.replaceAll(/\\./g, '');
      assert.equal(open.match(/\[/g)?.length, open.match(/\]/g)?.length, spec);
    }
  });

  it('fish: a line for each option of each command', () => {
    const lines = renderAbout('completion', ['fish']).split('\n');
    for (const { name, options } of allCommands()) {
      const own = lines.filter((line) => line.includes(`'__fish_seen_subcommand_from ${name}'`));
      assert.equal(own.filter((line) => / -l /.test(line)).length, options.length, name);
    }
  });

  it('is refused in one sentence for any other', () => {
    const says = /wirespan completion: takes the name of one shell: bash, zsh, fish/;
    for (const words of [[], ['sh'], ['bash', 'zsh'], ['--help']])
      assert.throws(() => renderAbout('completion', words), says, words.join());
    assert.throws(() => renderAbout('completion', ['fsh']), /the nearest is/);
    assert.throws(() => renderAbout('manual', ['tcplife']), /wirespan manual: takes nothing/);
  });
});

describe('the manual', () => {
  const page = renderAbout('manual', []);

  it('has every command with its example, and every option once where it belongs', () => {
    for (const { name, example } of allCommands()) {
      const [, section = ''] = page.split(`.SS "wirespan ${name}`);
      assert.ok(section.split('.SS ')[0]?.includes(example[0].replaceAll('-', '\\-')), name);
    }
    for (const view of VIEWS) {
      const [, after = ''] = page.split(`.SS "wirespan ${view.name} `);
      const own = after.split(/\n\.S[SH] /)[0]?.split('\n') ?? [];
      assert.equal(own.filter((line) => line === '.TP').length, optionsOf(view).length, view.name);
    }
  });

  it('is rendered without a warning', () => {
    const file = join(folder, 'wirespan.1');
    writeFileSync(file, page);
    const shown = execFileSync('groff', ['-man', '-Tascii', '-ww', '-P-c', file], { encoding: 'utf8' });
    const text = shown.replaceAll(/.\u0008/g, '');
    for (const { long } of optionsOf(VIEWS[0] ?? assert.fail())) assert.ok(text.includes(`--${long}`), long);
    assert.match(text, /^NAME\n {7}wirespan - TCP in your traces/m);
    const warned = execFileSync('sh', ['-c', `groff -man -Tascii -ww '${file}' 2>&1 >/dev/null`], {
      encoding: 'utf8',
    });
    assert.equal(warned, '');
  });
});
