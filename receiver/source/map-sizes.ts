import type { KernelOptions } from './knobs.ts';
import type { Plan } from './plan.ts';

const MAX_STATE_ROWS = 16_384;
/** Client connections at once; of more, requests are not known, which is counted. */
const MAX_FOLLOWED = 8_192;
/** The oldest make room: their connections keep the owner that is learned later. */
const MAX_UNMET_ACCEPTS = 65_536;

/** Settings that decide sizes. */
export type SizeOptions = Pick<
  KernelOptions,
  'ringBufferBytes' | 'maxSeries' | 'maxSockets' | 'maxOwners' | 'stateDuration' | 'receiveDuration'
>;
/** Variants that decide which maps are needed. */
export type SizePlan = Pick<Plan, 'isConnTable' | 'isRequestByAddress' | 'isAcceptByAddress'>;

/** Entries (of `events`: bytes) of the maps that do not have the size that the object declares. */
export function mapSizes(options: SizeOptions, plan: SizePlan): Readonly<Record<string, number>> {
  return {
    events: options.ringBufferBytes,
    series: options.maxSeries,
    owners: options.maxOwners,
    ...(plan.isConnTable && { connections: options.maxSockets }),
    ...(plan.isRequestByAddress && { follows: MAX_FOLLOWED }),
    ...(plan.isAcceptByAddress && { accepts: MAX_UNMET_ACCEPTS }),
    ...(options.stateDuration && { state_durations: MAX_STATE_ROWS }),
    ...(options.receiveDuration && { receives: options.maxSeries }),
  };
}
