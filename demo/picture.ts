/** The picture of the README: the trace on Jaeger's own page, as headless Chromium shows it. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { projectFolder } from '../test/backends/place.ts';

const PICTURE = join(projectFolder, 'docs', 'images', 'jaeger-trace.png');
/** CSS pixels: of the page above its spans, and of a span's row. */
const [WIDTH, HEAD_HEIGHT, ROW_HEIGHT] = [1_200, 256, 29];
/** The page's own clock runs on as fast as it can until then, and so do its requests. */
const VIRTUAL_MS = 20_000;
const PATIENCE_MS = 60_000;
/** Everybody who clones the repository has it. */
const MOST_BYTES = 200 * 1024;

/** Jaeger as Go builds it from its module answers with a placeholder for its page. */
export async function hasPage(port: number): Promise<boolean> {
  const text = await (await fetch(`http://127.0.0.1:${port}/`)).text();
  return !text.includes('placeholder for the Jaeger UI');
}

/** Takes it; what to say about it. Rejects where Jaeger has no page, or Chromium fails. */
export async function takePicture(
  port: number,
  { traceId, spans }: { readonly traceId: string; readonly spans: number },
  signal: AbortSignal,
): Promise<string> {
  if (!(await hasPage(port)))
    throw new Error(
      'this Jaeger has no page to take a picture of: name a release of it in WIRESPAN_TEST_JAEGER (docs/demo.md)',
    );
  mkdirSync(dirname(PICTURE), { recursive: true });
  const profile = mkdtempSync(join(tmpdir(), 'wirespan-chromium-'));
  const size = `--window-size=${WIDTH},${HEAD_HEIGHT + spans * ROW_HEIGHT}`;
  // As root Chromium has no sandbox; it shows a page of ours.
  const how = ['--headless', '--no-sandbox', '--hide-scrollbars', `--user-data-dir=${profile}`, size];
  const when = `--virtual-time-budget=${VIRTUAL_MS}`;
  const page = `http://127.0.0.1:${port}/trace/${traceId}`;
  try {
    await promisify(execFile)('chromium', [...how, when, `--screenshot=${PICTURE}`, page], {
      signal,
      timeout: PATIENCE_MS,
    });
  } finally {
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
  const { size: bytes } = statSync(PICTURE);
  if (bytes > MOST_BYTES) throw new Error(`${PICTURE} has ${bytes} bytes; at most ${MOST_BYTES} may be kept`);
  return `\n${PICTURE}: ${Math.ceil(bytes / 1024)} KiB`;
}
