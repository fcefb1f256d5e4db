import { subscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { attempt } from './wrap.mjs';

/**
 * Calls `meet` with what a package exports, when the application has loaded it by `require` or `import`, before instrumentations have it,
 * and for each copy of it. `main` is its file, and `part` what that requires, if the exports of that are wanted. `majors` are the
 * versions that are known to be as the hook takes them for: of any other one nothing is told. Node before 22.12 tells of none.
 */
export function onPackage({ name, main, part, majors }, meet) {
  const file = `/${name}/${main}`;
  const met = new WeakSet();
  const mainOf = (id, parent) => {
    if (part !== undefined) return id === part ? parent : undefined;
    if (id.startsWith('/')) return id;
    return id === name ? createRequire(parent).resolve(id) : undefined;
  };
  subscribe('tracing:module.require:end', ({ id, parentFilename, result }) =>
    attempt(() => {
      const path = mainOf(id, parentFilename);
      if (!path?.endsWith(file) || met.has(result)) return;
      met.add(result);
      const told = JSON.parse(readFileSync(`${path.slice(0, -main.length)}package.json`, 'utf8'));
      if (told.name === name && majors.includes(Number.parseInt(told.version, 10))) meet(result);
    }),
  );
}
