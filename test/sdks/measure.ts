/**
 * Runs the real SDKs over the cases of service-names.json, each in a process of its own, and writes there what service.name
 * they gave, and the table of docs/service-names.md. Takes some minutes; needs npm, python3, Go, a JDK and Maven.
 *
 *     node test/sdks/measure.ts
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runGo } from '../backends/go.ts';
import { readNames, SDKS, TABLE_FILE, tableOf, writeNames } from './service-names.ts';
import type { NameCase, Sdk, ServiceNames } from './service-names.ts';

type Command = readonly [program: string, ...arguments: string[]];

const scratch = mkdtempSync(join(tmpdir(), 'service-names-'));
const run = (program: string, args: readonly string[], cwd = scratch): void =>
  void execFileSync(program, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] });

function bring(name: string, as = name, folder = scratch): void {
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(import.meta.dirname, name), join(folder, as));
}

function prepareNode(versions: ServiceNames['versions']): Command {
  bring('name.cjs');
  run('npm', ['init', '-y']);
  const packages = Object.entries(versions.nodejs).map(([name, version]) => `${name}@${version}`);
  run('npm', ['install', '--silent', '--no-fund', '--no-audit', ...packages]);
  return [process.execPath, 'name.cjs'];
}

function preparePython(versions: ServiceNames['versions']): Command {
  bring('name.py');
  run('python3', ['-m', 'venv', 'venv']);
  const packages = Object.entries(versions.python).map(([name, version]) => `${name}==${version}`);
  run('venv/bin/pip', ['install', '--quiet', '--disable-pip-version-check', ...packages]);
  return ['venv/bin/python', 'name.py'];
}

async function prepareGo(versions: ServiceNames['versions']): Promise<Command> {
  const folder = join(scratch, 'go');
  bring('name.go', 'main.go', folder);
  await runGo(['mod', 'init', 'wirespan.test/name'], { folder });
  for (const [module, version] of Object.entries(versions.go))
    await runGo(['get', `${module}/trace@v${version}`], { folder });
  await runGo(['build', '-o', join(scratch, 'program'), '.'], { folder });
  return [join(scratch, 'program')];
}

function prepareJava(versions: ServiceNames['versions']): Command {
  bring('Name.java');
  const dependencies = Object.entries(versions.java).map(([name, version]) => {
    const [group = '', artifact = ''] = name.split(':');
    return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`;
  });
  writeFileSync(
    join(scratch, 'pom.xml'),
    `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>wirespan.test</groupId>` +
      `<artifactId>name</artifactId><version>1</version><dependencies>${dependencies.join('')}</dependencies></project>`,
  );
  run('mvn', ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=jars']);
  run('javac', ['-cp', 'jars/*', '-d', 'classes', 'Name.java']);
  return ['java', '-cp', 'classes:jars/*', 'Name'];
}

/** Undefined: the SDK did not start. */
function nameOf([program, ...args]: Command, { name, list }: NameCase): string | undefined {
  const { stdout } = spawnSync(program, args, {
    cwd: scratch,
    encoding: 'utf8',
    // JavaScript's SDK puts into a name how the program was called, as `node` is by a user.
    ...(program === process.execPath && { argv0: 'node' }),
    env: {
      PATH: process.env['PATH'],
      LC_ALL: 'C.UTF-8',
      ...(program === 'java' && { OTEL_TRACES_EXPORTER: 'none' }),
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
      ...(name !== undefined && { OTEL_SERVICE_NAME: name }),
      ...(list !== undefined && { OTEL_RESOURCE_ATTRIBUTES: list }),
    },
  });
  if (stdout.trim() === '') return undefined;
  return program === 'java' ? stdout.trimEnd().slice(1, -1) : (JSON.parse(stdout) as string);
}

try {
  const { versions, cases } = readNames();
  const commands: Record<Sdk, Command> = {
    nodejs: prepareNode(versions),
    python: preparePython(versions),
    go: await prepareGo(versions),
    java: prepareJava(versions),
  };
  const measured = cases.map((one) => {
    const seen = SDKS.map((sdk) => [sdk, nameOf(commands[sdk], one)] as const);
    return { ...one, seen: Object.fromEntries(seen.filter(([, name]) => name !== undefined)) };
  });
  writeNames({ versions, cases: measured });
  writeFileSync(TABLE_FILE, tableOf({ versions, cases: measured }));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
