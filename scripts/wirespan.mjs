// Runs receiver/main.ts with all arguments under a Node that is new enough: what bin/wirespan calls.
import { projectNode, runMain } from './project.mjs';
import { runReceiver } from './receiver.mjs';

await runMain(async () => {
  process.exitCode = await runReceiver(projectNode(), process.argv.slice(2));
});
