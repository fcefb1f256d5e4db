import { startProbe, trigger } from './probe.ts';

// The callback throws: the worker must end with exactly this error.
const session = startProbe({ wake: true });
session.ring('records').onReadable(() => {
  throw new Error('from the call back');
});
trigger(1);
setTimeout(() => session.close(), 5000);
