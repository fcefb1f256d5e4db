/** Run on a terminal that nobody reads: as a user who cannot open it again, writes more than it takes and ends. */
import { createOutputs, leave } from '../../receiver/cli/outputs.ts';

const NOBODY = 65_534;
const MORE_BYTES = 1_000_000;

process.setgroups?.([]);
process.setgid?.(NOBODY);
process.setuid?.(NOBODY);
const outputs = createOutputs(false);
outputs.stderr.write('x'.repeat(MORE_BYTES));
const status = outputs.stderr.isStuck ? Number(process.argv[2]) : 1;
await leave((await outputs.stderr.drain(100)) ? 1 : status, outputs);
