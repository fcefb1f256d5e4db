import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a test started or made, undone in reverse order, also when the test failed half-way. */
export class Cleanup {
  readonly #steps: (() => unknown)[] = [];

  add(step: () => unknown): void {
    this.#steps.push(step);
  }

  /** A new folder that goes with the test; `prefix`: how its name begins. */
  makeFolder(prefix = 'wirespan-e2e-'): string {
    const folder = mkdtempSync(join(tmpdir(), prefix));
    this.add(() => rmSync(folder, { recursive: true, force: true }));
    return folder;
  }

  /** Every step runs; the first error is thrown at the end. */
  async run(): Promise<void> {
    const errors: unknown[] = [];
    for (const step of this.#steps.splice(0).reverse()) {
      try {
        await step();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
