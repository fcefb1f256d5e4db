import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConfigError } from '../../../config/index.ts';
import { parseArguments } from '../../../receiver/cli/args.ts';

function fails(argv: readonly string[], message: RegExp): void {
  assert.throws(
    () => parseArguments(argv),
    (error) => error instanceof ConfigError && message.test(error.message),
  );
}

describe('parseArguments', () => {
  it('splits the command from its flags, wherever they stand', () => {
    const flags = ['--log.level', 'debug', '--output=json'];
    assert.deepEqual(parseArguments(['run', ...flags]), { command: 'run', flags });
    assert.deepEqual(parseArguments([...flags, 'run']), { command: 'run', flags });
    assert.deepEqual(parseArguments(['--log.level', 'debug', 'check-config']), {
      command: 'check-config',
      flags: flags.slice(0, 2),
    });
    assert.deepEqual(parseArguments(['run']), { command: 'run', flags: [] });
  });

  it('shows the help for nothing at all and when asked', () => {
    for (const argv of [[], ['--help'], ['-h'], ['help'], ['run', '--help'], ['rnu', '--help']]) {
      assert.deepEqual(parseArguments(argv), { command: 'help', flags: [] });
    }
  });

  it('shows the version', () => {
    for (const argv of [['--version'], ['-V'], ['run', '--version']])
      assert.equal(parseArguments(argv).command, 'version');
  });

  it('names the nearest command', () => {
    fails(['chek-config'], /^argument 1: is no command; .*the nearest is check-config$/);
    fails(['rum'], /the nearest is run$/);
  });

  it('names no command that is not near', () =>
    fails(
      ['--output', 'json', 'surgeon'],
      /^argument 3: is no command; commands are run, check-config, completion, manual, doctor, status and the views that --help lists$/,
    ));

  it('takes what follows a flag of one letter for no command', () =>
    fails(['-o', 'json'], /^-o: is no flag; --output json/));

  it('wants one command', () => {
    fails(
      ['--output', 'json'],
      /^command line: has no command; commands are run, check-config, completion, manual, doctor, status and the views that --help lists$/,
    );
    fails(['run', 'fast'], /^argument 2: is one word too many after run/);
  });
});
