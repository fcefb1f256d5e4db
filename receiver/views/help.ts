import { AGENT_OPTIONS, FAMILIES, HELP_OPTION, JSON_OPTION, LIMITS, type ViewOption } from './options.ts';
import type { View } from './view.ts';

/** The options that every view has, besides its own. */
export function optionsOf({
  options,
  isScreen = false,
  loadsAlways = false,
  isOfNobody = false,
}: View): readonly ViewOption[] {
  const own = new Set(options.map(({ short }) => short));
  const limits = (isOfNobody ? FAMILIES : LIMITS).map((limit) => withoutShort(limit, own));
  return [
    ...options,
    ...limits,
    ...(loadsAlways ? [] : AGENT_OPTIONS),
    ...(isScreen ? [] : [JSON_OPTION]),
    HELP_OPTION,
  ];
}

/** A view's own letters come first. */
function withoutShort(option: ViewOption, taken: ReadonlySet<string | undefined>): ViewOption {
  if (!taken.has(option.short)) return option;
  const { short: _, ...rest } = option;
  return rest;
}

function optionName({ long, short, value }: ViewOption): string {
  const letter = short === undefined ? '    ' : `-${short}, `;
  return `${letter}--${long}${value === undefined ? '' : ` ${value}`}`;
}

/** A command with options of its own, by what its help says. */
interface CommandHelp {
  readonly name: string;
  /** What it does, in one sentence without its end. */
  readonly summary: string;
  readonly options: readonly ViewOption[];
  readonly example: readonly [command: string, meaning: string];
  /** The last line. */
  readonly closing: string;
}

/** The text of a command's `--help`; ends with a newline. */
export function renderCommandHelp({ name, summary, options, example, closing }: CommandHelp): string {
  const width = options.map(optionName).reduce((most, { length }) => Math.max(most, length), 0);
  const [command, meaning] = example;
  return `${[
    `wirespan ${name} ${summary}.`,
    '',
    'Options:',
    ...options.map((option) => `  ${optionName(option).padEnd(width)}  ${option.help}`),
    '',
    'Example:',
    `  ${command}    # ${meaning}`,
    '',
    closing,
  ].join('\n')}\n`;
}

/** The text of `wirespan VIEW --help`; ends with a newline. */
export function renderViewHelp(view: View): string {
  return renderCommandHelp({
    ...view,
    summary: `shows ${view.summary}`,
    options: optionsOf(view),
    closing:
      'It ends with Ctrl-C. Columns, names of --json and what differs from the tool of BCC: docs/views.md',
  });
}
