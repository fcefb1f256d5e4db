import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Binding } from './binding.ts';
import { BUILD_REMEDY, builtFile } from './built.ts';
import { NativeError } from './error.ts';

const ADDON_PATH = builtFile('native/wirespan.node');

let loaded: Binding | undefined;

/** The addon, when something has loaded it. */
export function loadedAddon(): Binding | undefined {
  return loaded;
}

/** Loads the addon at its first use, so that importing this file needs no build. */
export function native(): Binding {
  if (loaded !== undefined) return loaded;
  try {
    loaded = createRequire(import.meta.url)(ADDON_PATH) as Binding;
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause);
    const problem = existsSync(ADDON_PATH)
      ? `does not load (${reason.replace(`${ADDON_PATH}: `, '')}): ${BUILD_REMEDY.replace('build it', 'build it again')}`
      : `is not built: ${BUILD_REMEDY}`;
    throw new NativeError(
      `The native addon '${ADDON_PATH}' ${problem}.`,
      { code: 'ERR_NATIVE_MISSING', step: 'load the native addon', object: ADDON_PATH },
      { cause },
    );
  }
  loaded.setErrorClass(NativeError);
  return loaded;
}
