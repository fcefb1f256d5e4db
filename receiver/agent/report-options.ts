import { ConfigError } from '../../config/index.ts';
import { renderCommandHelp } from '../views/help.ts';
import { HELP_OPTION, type ViewArguments, type ViewOption } from '../views/options.ts';
import { RECORD_OPTIONS } from './record-options.ts';

/** Options of `wirespan record` that a live report has too. */
const OF_RECORD: ReadonlySet<string> = new Set(['for', 'max-size', 'mask-addresses']);
const FILE: ViewOption = {
  long: 'file',
  value: 'FILE',
  help: 'the page, which may also be given without the name of this option',
};

/** Options of `wirespan report`. */
export const REPORT_OPTIONS: readonly ViewOption[] = [
  FILE,
  {
    long: 'from',
    value: 'RECORDING',
    help: 'of what wirespan record wrote; without it, of what is recorded now',
  },
  ...RECORD_OPTIONS.filter(({ long }) => OF_RECORD.has(long)),
  { long: 'force', short: 'f', help: 'a file of that name is replaced' },
  HELP_OPTION,
];

/** Which page is to be made of what. */
export interface ReportWishes {
  readonly file: string;
  /** A recording; undefined: of what happens now. */
  readonly from: string | undefined;
  readonly isForced: boolean;
}

/** @throws ConfigError for what cannot go together */
export function reportWishesOf(args: ViewArguments): ReportWishes {
  const fail = (subject: string, problem: string): never => {
    throw new ConfigError([{ subject: `wirespan report${subject}`, problem }]);
  };
  const [file, from] = [args.text('file'), args.text('from')];
  if (file === undefined) return fail('', 'needs a file: wirespan report case.html --from case.wirespan');
  const live = [...OF_RECORD].find((long) => args.has(long));
  if (from !== undefined && live !== undefined)
    return fail(`: --${live}`, 'is for a report of what happens now: what is recorded is as it is');
  return { file, from, isForced: args.has('force') };
}

export function reportHelp(): string {
  return renderCommandHelp({
    name: 'report FILE.html',
    summary: 'writes a page that shows what hurt in a time: of a recording, or of what happens now',
    options: REPORT_OPTIONS,
    example: ['wirespan report case.html --from case.wirespan', 'of what wirespan record wrote'],
    closing:
      'The page needs no network and has no script. From a recording it needs no privilege. What it shows: docs/reports.md',
  });
}
