/** A recording without a kernel: what a made-up kernel and machine answered. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RecordingWriter } from '../../../receiver/recording/file-writer.ts';
import { LAYOUTS } from '../../../receiver/recording/layouts.ts';
import type { AddressMask } from '../../../receiver/recording/mask.ts';
import type { RecordingMeta } from '../../../receiver/recording/meta.ts';
import { Recorder } from '../../../receiver/recording/recorder.ts';
import type { MapImage } from '../../../receiver/model/map-image.ts';

export const META: RecordingMeta = {
  wirespan: '0.0.0',
  startedMs: 1,
  kernel: '6.12.0',
  bootId: 'boot',
  architecture: 'x64',
  layouts: LAYOUTS,
  probes: { attached: [], missing: [] },
  subnets: [],
  areAddressesMasked: false,
};

/** A folder of its own, and how it goes. */
export function tempFolder(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'wirespan-recording-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Rows with keys and values of eight bytes. */
export function imageOf(rows: Readonly<Record<number, number>>): MapImage {
  const list = Object.entries(rows);
  const keys = BigUint64Array.from(list, ([key]) => BigInt(key));
  const values = BigUint64Array.from(list, ([, value]) => BigInt(value));
  const bytes = ({ buffer }: BigUint64Array): Uint8Array => new Uint8Array(buffer);
  return { count: list.length, keys: bytes(keys), values: bytes(values), keySize: 8, stride: 8 };
}

/** Writes a recording; `work` does the steps. */
export function writeRecording(
  path: string,
  work: (recorder: Recorder) => void,
  { mask, meta = META }: { mask?: AddressMask; meta?: RecordingMeta } = {},
): void {
  const writer = new RecordingWriter(path, { isForced: true, maxBytes: 1e9 });
  writer.begin(meta);
  let nowNs = 1_000_000_000n;
  work(new Recorder(writer, mask, () => (nowNs += 1_000_000n)));
  writer.end({ reason: 'asked', seen: 0, lost: 0 });
}
