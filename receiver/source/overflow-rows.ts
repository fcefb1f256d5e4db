import type { BpfSession } from '../../native/index.ts';
import { SERIES_KEY } from '../decode/generated/layout.ts';

/** Maps of sums by `struct series_key`: what finds no row goes to the overflow row. */
const MAPS = ['series', 'receives'] as const;

/** Makes the overflow rows, before a program runs. */
export function addOverflowRows(session: BpfSession): void {
  const key = new Uint8Array(SERIES_KEY.size);
  key[SERIES_KEY.overflow] = 1;
  for (const map of MAPS) session.update(map, key, new Uint8Array(session.mapInfo(map).valueSize));
}
