import { HELP_OPTION, type ViewOption } from '../views/options.ts';

export const SPEEDS = ['full', 'recorded'] as const;

/** Options of `wirespan replay`, besides those of the view and the settings. */
export const REPLAY_OPTIONS: readonly ViewOption[] = [
  {
    long: 'speed',
    value: 'SPEED',
    help: 'recorded: as fast as it happened; full, the default: as fast as it goes',
  },
  HELP_OPTION,
];
