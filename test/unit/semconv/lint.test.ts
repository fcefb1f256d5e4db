import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { loadRegistry } from '../../../semconv/generate.ts';
import { lint, lintCoverage } from '../../../semconv/generator/lint.ts';
import { RegistryError } from '../../../semconv/generator/shape.ts';

const FIXTURES = join(import.meta.dirname, 'fixtures');
const REGISTRY = join(import.meta.dirname, '../../../semconv/registry');

/** All complaints about a registry that consists of one fixture. */
function complaints(file: string): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'wirespan-registry-'));
  try {
    copyFileSync(join(REGISTRY, 'manifest.yaml'), join(folder, 'manifest.yaml'));
    copyFileSync(join(FIXTURES, file), join(folder, file));
    return lint(loadRegistry(folder));
  } catch (error) {
    assert.ok(error instanceof RegistryError, String(error));
    return [error.message];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('a registry that breaks one rule', () => {
  for (const file of readdirSync(FIXTURES).filter((name) => name.startsWith('bad_'))) {
    test(file, () => {
      const expected = /^# expect: (.*)$/m.exec(readFileSync(join(FIXTURES, file), 'utf8'))?.[1];
      assert.ok(expected !== undefined, 'the fixture says what it expects');
      const found = complaints(file);
      assert.ok(
        found.some((complaint) => complaint.includes(expected)),
        `expected "${expected}", got ${JSON.stringify(found)}`,
      );
      for (const complaint of found) assert.ok(complaint.startsWith(`${file}: `), complaint);
    });
  }
});

test('a good registry gives no complaint', () => {
  assert.deepEqual(complaints('good.yaml'), []);
});

test('bad YAML is one sentence with the file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'wirespan-registry-'));
  copyFileSync(join(FIXTURES, 'broken.txt'), join(folder, 'manifest.yaml'));
  assert.throws(() => loadRegistry(folder), { name: 'RegistryError', message: /^manifest\.yaml: [^\n]+$/ });
  rmSync(folder, { recursive: true });
});

test("the project's own registry breaks no rule and covers the BCC tools", () => {
  const registry = loadRegistry();
  assert.deepEqual(lint(registry), []);
  assert.deepEqual(lintCoverage(registry), []);
});

test('a BCC tool without a signal is named', () => {
  const registry = loadRegistry();
  const metrics = registry.metrics.filter(({ descriptor }) => !descriptor.bccTools.includes('tcprtt'));
  const events = registry.events.filter(({ bccTools }) => !bccTools.includes('tcprtt'));
  assert.deepEqual(lintCoverage({ ...registry, metrics, events }), ['metrics.yaml: no signal covers tcprtt']);
});
