import { writeFileSync } from 'node:fs';
import { arch, availableParallelism, constants, release, setPriority } from 'node:os';
import { join } from 'node:path';
import { projectFolder } from '../../backends/place.ts';
import { buildWorkloads } from '../../support/workloads.ts';
import { atRest, collection } from '../against/at-rest.ts';
import { bpfTime } from '../against/bpf-time.ts';
import { buildOf } from '../against/build.ts';
import { peaks, sent } from '../against/loads.ts';
import type { Part, PartName } from '../against/part.ts';
import { processors } from '../against/processors.ts';
import { starts } from '../against/starts.ts';
import { printHead, printRows, type Row } from '../against/table.ts';
import { note } from '../report.ts';
import type { Section } from './section.ts';

const MEASURES: Readonly<Record<PartName, Part>> = {
  bpf: bpfTime,
  processors,
  rest: atRest,
  starts,
  sent,
  peaks,
  collection,
};

/** This working tree beside another revision of this repository, measured in turns. */
export const against: Section = {
  name: 'against',
  what: 'REV: this tree beside the build of a revision, in turns; `.`: beside a copy of itself',
  isOnRequest: true,
  async run({ isQuick, against: revision, parts }) {
    const build = buildOf(revision ?? '');
    await buildWorkloads();
    // Loads and agents, which inherit it, come before what else runs on this machine.
    setPriority(constants.priority.PRIORITY_HIGHEST);
    printHead(build.name);
    const rows: Row[] = [];
    for (const name of parts) {
      const { figures, measure } = MEASURES[name];
      rows.push(...printRows(figures, await measure(build, isQuick)));
    }
    const machine = { kernel: release(), architecture: arch(), processors: availableParallelism() };
    const file = join(projectFolder, '.cache', 'against', 'figures.json');
    writeFileSync(file, `${JSON.stringify({ against: build.name, machine, isQuick, rows }, undefined, 1)}\n`);
    note(`medians, and of the ratios quartiles and extremes; all of it in ${file}`);
  },
};
