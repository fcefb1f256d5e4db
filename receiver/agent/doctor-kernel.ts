import { NativeError } from '../../native/index.ts';
import { FAMILIES } from '../signals/index.ts';
import { KernelSource } from '../source/kernel-source.ts';
import type { KernelOptions } from '../source/kernel-options.ts';
import type { Plan } from '../source/plan.ts';
import { found, type Finding } from './doctor-finding.ts';
import { OTHER_PID_NAMESPACE } from './host-warnings.ts';

/** What was loaded and attached here, and taken away again. */
export interface KernelFindings {
  /** What there is on the machine. */
  readonly machine: readonly Finding[];
  /** A line for each family of signals that has programs of its own. */
  readonly families: readonly Finding[];
  /** Absent: nothing could be loaded. */
  readonly plan?: Plan;
}

/** Loads and attaches what the settings ask for, as the agent does, and leaves nothing. */
export function kernelFindings(options: KernelOptions): KernelFindings {
  let source: KernelSource;
  try {
    source = KernelSource.start(options);
  } catch (error) {
    if (!(error instanceof NativeError)) throw error;
    return { machine: [{ subject: 'programs', state: 'failed', found: error.message }], families: [] };
  }
  try {
    const { plan } = source;
    const programs = found('programs', `${String(plan.attached.length)} loaded and attached`);
    return { plan, machine: [programs, pidFinding(source)], families: familyFindings(plan) };
  } finally {
    source.close();
  }
}

function pidFinding(source: KernelSource): Finding {
  const subject = 'pid namespace';
  if (source.agentPid() === process.pid) return found(subject, "the host's");
  return { subject, state: 'limited', found: "not the host's", advice: OTHER_PID_NAMESPACE };
}

/** What became of the programs of each family. */
export function familyFindings(plan: Plan): Finding[] {
  return FAMILIES.flatMap(({ name, probes = [] }) => {
    const names = probes.filter(({ isOfViews }) => isOfViews !== true).map((each) => each.name);
    return names.length === 0 ? [] : [familyFinding(name, names, plan)];
  });
}

/** What is summed by passes over the sockets goes on without programs, so a family that has none is no more than limited. */
function familyFinding(subject: string, probes: readonly string[], plan: Plan): Finding {
  const attached = probes.filter((name) => plan.attached.some(({ probe }) => probe === name));
  const missing = plan.missing.filter(({ probe }) => probes.includes(probe));
  if (missing.length > 0)
    return {
      subject,
      state: 'limited',
      found: `without ${missing.map(({ probe }) => probe).join(', ')}`,
      advice: missing.map(({ probe, why }) => `${probe}: ${why}`).join('. '),
    };
  return attached.length > 0
    ? found(subject, attached.join(', '))
    : { subject, state: 'off', found: 'not asked for by the settings' };
}
