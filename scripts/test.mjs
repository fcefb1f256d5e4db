// Sets up what is missing and runs the tests, tier by tier, under the project's Node.
//   npm test [-- TIER... | FILE.test.ts...]
// Its last line is 'N passed, N failed, N skipped' over all tiers that ran. Exit status 1 when
// anything failed or nothing ran.
import { UserError, projectNode, runMain } from './project.mjs';
import { setup } from './setup.mjs';
import { printTable, runTier } from './tier-run.mjs';
import { tiers } from './tiers.mjs';

/** Splits the arguments into tiers and test files; a file belongs to the tier whose folder it is in. */
function select(args) {
  const files = args.filter((arg) => arg.endsWith('.test.ts'));
  const names = args.filter((arg) => !arg.endsWith('.test.ts'));
  const unknown = names.find((name) => !tiers.some((tier) => tier.name === name));
  if (unknown !== undefined) {
    throw new UserError(
      `there is no test tier '${unknown}'; the tiers are: ${tiers.map((tier) => tier.name).join(', ')}`,
    );
  }
  if (args.length === 0) return tiers.map((tier) => ({ tier, files: [] }));
  return tiers
    .map((tier) => ({
      tier,
      files: files.filter((file) => tier.folder && file.startsWith(`${tier.folder}/`)),
    }))
    .filter((choice) => names.includes(choice.tier.name) || choice.files.length > 0);
}

await runMain(async () => {
  const chosen = select(process.argv.slice(2));
  if (chosen.length === 0)
    throw new UserError('no test tier has these files; give paths like test/unit/decode/decode.test.ts');
  await setup([...new Set(chosen.flatMap(({ tier }) => tier.purposes))]);
  const node = projectNode();
  const results = chosen.map(({ tier, files }) => runTier(node, tier, files));
  const total = printTable(results);
  process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
});
