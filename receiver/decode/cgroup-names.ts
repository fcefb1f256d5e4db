import { readText } from './bytes.ts';
import { CGROUP_NAMES, CGROUP_NAMES_LENGTH } from './generated/layout.ts';

const NAME_BYTES = CGROUP_NAMES.size / CGROUP_NAMES_LENGTH.name;

/** The end of a cgroup's path out of `struct cgroup_names`, which has it from the innermost name. */
export function readCgroupNames(bytes: Uint8Array): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const names: string[] = [];
  for (let at = CGROUP_NAMES.name; at < CGROUP_NAMES.size; at += NAME_BYTES) {
    const name = readText(view, at, NAME_BYTES);
    // The root has no name. An innermost one without: the kernel is only just writing them.
    if (name === '') break;
    names.unshift(name);
  }
  return names.length === 0 ? undefined : `/${names.join('/')}`;
}
