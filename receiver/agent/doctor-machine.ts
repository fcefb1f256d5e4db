import type { AppConfig } from '../../config/index.ts';
import { probe } from '../../native/index.ts';
import type { CgroupHierarchy } from '../host/cgroup-hierarchies.ts';
import { readLimits } from '../host/limits.ts';
import { findOtherAgents } from '../host/other-agents.ts';
import type { KernelOptions } from '../source/kernel-options.ts';
import { warningsOf } from '../settings/warnings.ts';
import { found, type Finding } from './doctor-finding.ts';
import { OTHER_AGENTS } from './host-warnings.ts';
import { limitProblem } from './limit-problem.ts';
import { privilegeWarnings } from './privilege-warnings.ts';
import { NO_BPF, NO_BTF, TOO_OLD } from './support.ts';

/** Capabilities that something asks for, in the order of docs/compatibility.md. */
const ASKED = [
  'CAP_BPF',
  'CAP_PERFMON',
  'CAP_NET_ADMIN',
  'CAP_SYS_PTRACE',
  'CAP_DAC_READ_SEARCH',
  'CAP_SYSLOG',
];

/** What this machine has, before anything is loaded. */
export function machineFindings(
  config: AppConfig,
  options: KernelOptions,
  hierarchies: readonly CgroupHierarchy[],
): Finding[] {
  const answer = probe();
  return [
    kernelFinding(answer),
    privilegeFinding(answer, config),
    cgroupFinding(hierarchies),
    limitFinding(options),
    ...otherFindings(),
    ...warningsOf(config).map((warning): Finding => ({
      subject: 'settings',
      state: 'limited',
      found: 'not all that they ask for is done',
      advice: warning,
    })),
  ];
}

function kernelFinding({ kernel, btf, bpf, atomics }: ReturnType<typeof probe>): Finding {
  const text = `Linux ${kernel}, ${process.arch}`;
  const failed = { subject: 'kernel', state: 'failed' } as const;
  if (!btf) return { ...failed, found: `${text}, no /sys/kernel/btf/vmlinux`, advice: NO_BTF };
  if (bpf && !atomics)
    return { ...failed, found: `${text}, without compare and exchange in BPF programs`, advice: TOO_OLD };
  return found('kernel', `${text}, with BTF`);
}

function privilegeFinding({ bpf, capabilities }: ReturnType<typeof probe>, config: AppConfig): Finding {
  const subject = 'privileges';
  const held = new Set(capabilities);
  const lacking = ASKED.filter((name) => !held.has(name));
  const words = lacking.length === 0 ? 'all that are used' : `without ${lacking.join(', ')}`;
  if (!bpf) return { subject, state: 'failed', found: words, advice: NO_BPF };
  const [warning, ...more] = privilegeWarnings(capabilities, config);
  if (warning === undefined) return found(subject, words);
  return { subject, state: 'limited', found: words, advice: [warning, ...more].join(' ') };
}

function cgroupFinding(hierarchies: readonly CgroupHierarchy[]): Finding {
  const v2 = hierarchies.find(({ number }) => number === 0);
  const others = hierarchies.filter(({ number }) => number !== 0).length;
  const v1 = others === 0 ? '' : `, ${String(others)} of version 1`;
  if (v2 !== undefined) return found('cgroups', `version 2 at ${v2.root}${v1}`);
  const advice =
    'mount cgroup v2 (mount -t cgroup2 none /sys/fs/cgroup/unified): without it requests are not read where they arrive, and applications cannot announce';
  return { subject: 'cgroups', state: 'limited', found: `version 2 is not mounted${v1}`, advice };
}

function limitFinding(options: KernelOptions): Finding {
  const limits = readLimits();
  const memory = `${String(Math.floor(limits.memoryBytes / 2 ** 20))} MiB`;
  const text = `${String(limits.openFiles)} open files, ${memory} of memory`;
  const advice = limitProblem(options, limits);
  return advice === undefined
    ? found('limits', text)
    : { subject: 'limits', state: 'failed', found: text, advice };
}

function otherFindings(): Finding[] {
  const pids = findOtherAgents('/proc', process.pid);
  if (pids.length === 0) return [];
  return [{ subject: 'agents', state: 'ok', found: `pid ${pids.join(', ')}`, advice: OTHER_AGENTS }];
}
