/** What to do when a module that npm installs is not there; undefined: that is not what the error says. */
export function missingModuleSentence(error: unknown): string | undefined {
  const { code, message } = error as NodeJS.ErrnoException;
  const name =
    code === 'ERR_MODULE_NOT_FOUND' ? /^Cannot find package '([^']+)'/.exec(message)?.[1] : undefined;
  return name === undefined
    ? undefined
    : `the npm module ${name} is not installed: run 'npm run build' in the project's folder, or 'npm start'`;
}
