/** Joins the control group of its argument, loads what `profile: small` loads, and writes what was verified as JSON. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../../config/index.ts';
import { BpfSession } from '../../native/index.ts';
import { kernelOptionsOf } from '../../receiver/settings/kernel.ts';
import { KernelSource } from '../../receiver/source/kernel-source.ts';

const [, , folder = ''] = process.argv;
const argv = ['--profile=small', '--attributes.network.peer.address=on'];
const options = kernelOptionsOf(loadConfig({ argv, env: {}, readFile: () => '' }));
const wanted = new Set<string>();
const verified: Record<string, number> = {};
const { setAutoload, load } = BpfSession.prototype;
BpfSession.prototype.setAutoload = function (this: BpfSession, program, on) {
  if (on) wanted.add(program);
  setAutoload.call(this, program, on);
};
BpfSession.prototype.load = function (this: BpfSession, ...how) {
  load.call(this, ...how);
  for (const program of wanted) verified[program] = this.programStats(program).verifiedInsns;
};
writeFileSync(join(folder, 'cgroup.procs'), String(process.pid));
KernelSource.start(options).close();
process.stdout.write(JSON.stringify(verified));
