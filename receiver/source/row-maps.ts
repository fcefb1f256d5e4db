import type { BpfSession } from '../../native/index.ts';
import { ROW_MAP, ROW_REMOVAL } from '../decode/generated/layout.ts';
import { FAMILIES } from '../signals/index.ts';
import { u32 } from './number-bytes.ts';

/** The kernel's maps of sums: each owner has a share of the rows (bpf/lib/rows.bpf.h). */
const ROW_MAPS = new Map(
  FAMILIES.flatMap(({ kernelMaps = [] }) => kernelMaps).flatMap(({ name, rows }) =>
    rows === undefined ? [] : [[name, rows] as const],
  ),
);

/** A program that is run by hand; bpf/rows.bpf.c. */
export const TAKE_ROW = 'ws_take_row';

/** What the programs may fill: each map but for the host's overflow row. Before `load`, when sizes are set. */
export function setRowLimits(session: BpfSession): void {
  const limits = new Uint8Array(ROW_MAP.ROW_MAPS * 4);
  for (const [map, { number, isOneEach }] of ROW_MAPS)
    if (isOneEach !== true) limits.set(u32(session.mapInfo(map).maxEntries - 1), number * 4);
  session.setVariable('cfg_row_limits', limits);
}

/** Makes the host's overflow rows, before a program runs: they are never taken out. */
export function addOverflowRows(session: BpfSession): void {
  for (const [map, { overflowAt }] of ROW_MAPS) {
    const { keySize, valueSize } = session.mapInfo(map);
    const key = new Uint8Array(keySize);
    key[overflowAt] = 1;
    session.update(map, key, new Uint8Array(valueSize));
  }
}

/**
 * Takes a row of sums out, unless it was used since its cell of use was `seen` (8 bytes); then false.
 * True also when it was not there.
 */
export function takeRow(session: BpfSession, map: string, key: Uint8Array, seen: Uint8Array): boolean {
  const removal = new Uint8Array(ROW_REMOVAL.size);
  removal.set(seen, ROW_REMOVAL.seen);
  removal.set(u32(ROW_MAPS.get(map)?.number ?? ROW_MAP.ROW_MAPS), ROW_REMOVAL.map);
  removal.set(key, ROW_REMOVAL.key);
  return session.runProgram(TAKE_ROW, removal) === 1;
}
