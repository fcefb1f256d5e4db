import { dirname, join } from 'node:path';

/** The project's top folder. */
export const projectFolder = dirname(dirname(import.meta.dirname));

/** Where the back ends are built and kept; ignored by git. */
export const cacheFolder = join(projectFolder, '.cache', 'backends');
