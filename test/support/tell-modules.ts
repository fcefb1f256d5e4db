const SOURCE = String.raw`
import { writeSync } from 'node:fs';
import { registerHooks } from 'node:module';
registerHooks({
  load(url, context, next) {
    writeSync(2, url + '\n');
    return next(url, context);
  },
});
`;

/** What Node is to `--import` so that it tells of each module on standard error. */
export const TELL_MODULES = `data:text/javascript,${encodeURIComponent(SOURCE)}`;
