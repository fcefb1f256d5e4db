import { RecordingError } from '../recording/error.ts';
import { RecordingReader } from '../recording/file-reader.ts';
import { unreadableLayout } from '../recording/layouts.ts';

/**
 * A recording that this version can read.
 * @throws RecordingError in one sentence
 */
export function openRecording(path: string): RecordingReader {
  const reader = new RecordingReader(path);
  const { meta } = reader;
  const layout = unreadableLayout(meta.layouts);
  if (layout === undefined) return reader;
  reader.close();
  throw new RecordingError(
    `${path} was recorded by wirespan ${meta.wirespan}, which had another ${layout.toLowerCase()} than this one: replay it with that version`,
    2,
  );
}
