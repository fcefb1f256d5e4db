/** By the code of Node's error: of an import, of a require(). */
const PATTERNS: Readonly<Record<string, RegExp>> = {
  ERR_MODULE_NOT_FOUND: /^Cannot find package '([^']+)'/,
  MODULE_NOT_FOUND: /^Cannot find module '([^'./][^']*)'/,
};

/** What to do when a module that npm installs is not there; undefined: that is not what the error says. */
export function missingModuleSentence(error: unknown): string | undefined {
  const { code, message } = error as NodeJS.ErrnoException;
  const pattern = PATTERNS[code ?? ''];
  const name = pattern?.exec(message)?.[1];
  return name === undefined
    ? undefined
    : `the npm module ${name} is not installed: run 'npm run build' in the project's folder, or 'npm start'`;
}
