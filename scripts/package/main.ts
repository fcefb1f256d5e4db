/** `npm run package [-- npm|deb|image ...] [--arch=x64,arm64] [--to=FOLDER]`: what is made goes to dist/, with its size. */
import { makeDeb } from './deb.ts';
import { makeImage } from './image.ts';
import { makeNpmTree, megabytes, packNpm } from './npm.ts';
import { PackageError } from './place.ts';
import { readRequest } from './request.ts';

function tell(path: string): void {
  console.log(`${path}  ${megabytes(path)}`);
}

function main(words: readonly string[]): void {
  const { kinds, machines, target } = readRequest(words);
  makeNpmTree(machines);
  if (kinds.includes('npm')) tell(packNpm(target));
  if (kinds.includes('deb')) for (const machine of machines) tell(makeDeb(machine, target));
  if (kinds.includes('image')) for (const machine of machines) tell(makeImage(machine, target));
}

try {
  main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof PackageError)) throw error;
  console.error(`wirespan: ${error.message}`);
  process.exitCode = 1;
}
