import { chmodSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';

/** A back end that is built for the tests. */
export interface BackEnd {
  readonly name: string;
  /** Folder of the manifest, and its files: what they hold decides whether a binary is still the right one. */
  readonly manifest: string;
  readonly files: readonly string[];
  /** Environment variable with the path of a ready binary. */
  readonly override: string;
  /** Makes the binary at `target`, working in the empty folder `scratch`. */
  readonly build: (scratch: string, target: string) => Promise<void>;
}

/** Copies files to where they may be changed. */
export function bring(from: string, to: string, files: readonly string[]): void {
  for (const file of files) {
    copyFileSync(join(from, file), join(to, file));
    chmodSync(join(to, file), 0o644);
  }
}
