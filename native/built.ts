import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A package has what was built for this kind of machine; in a checkout there is no such folder. */
const PREBUILT = new URL('../prebuilt/', import.meta.url);
const isPackaged = existsSync(PREBUILT);

/** What to do when something that was built is not there. */
export const BUILD_REMEDY = isPackaged ? 'install wirespan again' : "build it with 'npm run build'";

/** The path of what the build makes for this machine; `name`: its path below the folder of all that is built. */
export function builtFile(name: string): string {
  const place = isPackaged
    ? new URL(`linux-${process.arch}/${name}`, PREBUILT)
    : new URL(`../build/${name}`, import.meta.url);
  return fileURLToPath(place);
}
