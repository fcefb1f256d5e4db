import { configOf, readCheckedSettings } from '../../config/index.ts';
import { hideMemory } from '../../native/index.ts';
import { readTextFile } from '../../text/index.ts';
import { parseArguments } from '../cli/args.ts';
import { readVersion } from '../cli/version.ts';
import { findCgroupHierarchies } from '../host/cgroup-hierarchies.ts';
import { kernelOptionsOf } from '../settings/kernel.ts';
import { collectorFinding } from './doctor-collector.ts';
import { isComplete, type FindingGroup } from './doctor-finding.ts';
import { kernelFindings, type KernelFindings } from './doctor-kernel.ts';
import { machineFindings } from './doctor-machine.ts';
import { renderFindings } from './doctor-text.ts';

const JSON_FLAG = '--json';

/** What `wirespan doctor` prints, and its exit status. */
export interface Diagnosis {
  readonly text: string;
  /** 0: all that the settings ask for; 1: not all of it, or nobody takes it; 3: nothing can be observed. */
  readonly status: 0 | 1 | 3;
}

/**
 * What works here with these settings. Programs are loaded and attached for real, one metric is sent, and nothing stays.
 * @throws ConfigError, EndpointError for settings that cannot be used
 */
export async function diagnose(argv: readonly string[]): Promise<Diagnosis> {
  const isJson = argv.includes(JSON_FLAG);
  const { flags } = parseArguments(['run', ...argv.filter((word) => word !== JSON_FLAG)]);
  const sources = { argv: flags, env: process.env, readFile: readTextFile, isWatched: false };
  const config = configOf(readCheckedSettings(sources), false);
  const hierarchies = findCgroupHierarchies('/proc');
  const options = kernelOptionsOf(config, hierarchies);
  const machine = machineFindings(config, options, hierarchies);
  const canLoad = machine.every(({ state }) => state !== 'failed');
  if (canLoad) hideMemory();
  const kernel: KernelFindings = canLoad ? kernelFindings(options) : { machine: [], families: [] };
  const collector = await collectorFinding(config, kernel.plan);
  const groups: FindingGroup[] = [
    { title: 'This machine', findings: [...machine, ...kernel.machine] },
    { title: 'Signals', findings: kernel.families },
    { title: 'Where it goes', findings: [collector] },
  ].filter(({ findings }) => findings.length > 0);
  const status = kernel.plan === undefined ? 3 : isComplete(groups) ? 0 : 1;
  return { text: isJson ? jsonOf(groups, status) : renderFindings(groups), status };
}

function jsonOf(groups: readonly FindingGroup[], status: number): string {
  const findings = groups.flatMap((group) => group.findings.map((each) => ({ group: group.title, ...each })));
  return JSON.stringify({ version: readVersion(), status, findings });
}
