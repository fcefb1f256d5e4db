// Sets up what is missing, then runs the receiver on this host.
//   npm start -- [options of 'wirespan run']
import { runMain } from './project.mjs';
import { runReceiver } from './receiver.mjs';
import { setup } from './setup.mjs';

await runMain(async () => {
  const node = setup(['build']);
  process.exitCode = await runReceiver(node, ['run', ...process.argv.slice(2)]);
});
