import { PROBE_ID } from '../../decode/generated/layout.ts';
import type { Family } from '../family.ts';
import type { Probe } from '../kernel.ts';

export interface ExecOptions {
  /** The names that programs are started with are kept. */
  readonly execNames: boolean;
}

/** Processes at once whose names are kept, 2 KiB each, as they come; of more, they are in `/proc` alone, which is counted. */
const MAX_EXEC_NAMES = 2_048;

const EXEC = 'sched_process_exec';
const isWanted = ({ execNames }: ExecOptions): boolean => execNames;

const advice = (): string => '; names that a program overwrote in its memory are not known';

/** By its load: an agent whose kernel refuses one of them does without. */
function probe(name: string, program: string): Probe<ExecOptions> {
  return { name, variants: () => [{ programs: [program], words: 'tp_btf' }], isWanted, advice };
}

/** The names that a program was started with, for when it has overwritten them. No signal: it names those of others. */
export const exec: Family<ExecOptions> = {
  name: 'exec',
  options: ({ execNames }) => ({ execNames }),
  probes: [
    probe(EXEC, 'ws_exec'),
    probe('sched_process_fork', 'ws_fork'),
    probe('sched_process_exit', 'ws_exit'),
  ],
  kernelMaps: [{ name: 'exec_names', entries: ({ execNames }) => (execNames ? MAX_EXEC_NAMES : undefined) }],
  probeNames: { [PROBE_ID.PROBE_EXEC]: EXEC },
};
