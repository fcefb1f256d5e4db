import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Binding } from './binding.ts';
import { NativeError } from './error.ts';

const ADDON_PATH = fileURLToPath(new URL('../build/native/wirespan.node', import.meta.url));

let loaded: Binding | undefined;

/** Loads the addon at its first use, so that importing this file needs no build. */
export function native(): Binding {
  if (loaded !== undefined) return loaded;
  try {
    loaded = createRequire(import.meta.url)(ADDON_PATH) as Binding;
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause);
    const problem = existsSync(ADDON_PATH)
      ? `does not load (${reason.replace(`${ADDON_PATH}: `, '')}): build it again`
      : 'is not built: build it';
    throw new NativeError(
      `The native addon '${ADDON_PATH}' ${problem} with 'npm run build'.`,
      { code: 'ERR_NATIVE_MISSING', step: 'load the native addon', object: ADDON_PATH },
      { cause },
    );
  }
  loaded.setErrorClass(NativeError);
  return loaded;
}
