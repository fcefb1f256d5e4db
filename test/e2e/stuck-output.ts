/** Run on a terminal: writes more than it takes, as a user who may not open it again, then ends with status 7. */
import { createOutputs, leave } from '../../receiver/cli/outputs.ts';

const NOBODY = 65_534;
const MORE_THAN_IT_TAKES = 100_000;
const STATUS = 7;

process.setgroups?.([]);
process.setgid?.(NOBODY);
process.setuid?.(NOBODY);
const outputs = createOutputs();
outputs.stderr.write(`${'x'.repeat(MORE_THAN_IT_TAKES)}\n`);
setTimeout(() => void leave(outputs.stderr.isStuck ? STATUS : 1, outputs), 500);
