/** The pictures of the README and of docs/demo.md: traces on Jaeger's own page, as headless Chromium shows them. */
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Page } from 'playwright-core';
import { projectFolder } from '../test/backends/place.ts';

const FOLDER = join(projectFolder, 'docs', 'images');
/** CSS pixels: of the page above its spans, of a span's row, and of what a row that is opened has below it. */
const [WIDTH, HEAD_HEIGHT, ROW_HEIGHT, OPENED_HEIGHT] = [1_200, 256, 29, 590];
const PATIENCE_MS = 60_000;
/** Everybody who clones the repository has it. */
const MOST_BYTES = 200 * 1024;

/** A trace in Jaeger. */
export interface Shown {
  readonly traceId: string;
  readonly spans: number;
}

/** Jaeger as Go builds it from its module answers with a placeholder for its page. */
export async function hasPage(port: number): Promise<boolean> {
  const text = await (await fetch(`http://127.0.0.1:${port}/`)).text();
  return !text.includes('placeholder for the Jaeger UI');
}

/**
 * Takes one of the first trace, and one of the second with its exchange opened, where its phases are; what to say about them.
 * Rejects where Jaeger has no page, or Chromium fails.
 */
export async function takePictures(
  port: number,
  { lost, divided }: { readonly lost: Shown; readonly divided: Shown },
  signal: AbortSignal,
): Promise<string> {
  if (!(await hasPage(port)))
    throw new Error(
      'this Jaeger has no page to take a picture of: name a release of it in WIRESPAN_TEST_JAEGER (docs/demo.md)',
    );
  mkdirSync(FOLDER, { recursive: true });
  // As root Chromium has no sandbox; it shows a page of ours.
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  const close = (): void => void browser.close();
  signal.addEventListener('abort', close);
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    const said = [
      await take(page, 'jaeger-trace.png', { port, shown: lost }),
      await take(page, 'jaeger-phases.png', { port, shown: divided, opened: 'tcp exchange' }),
    ];
    return `\n${said.join('\n')}`;
  } finally {
    signal.removeEventListener('abort', close);
    await browser.close();
  }
}

interface Picture {
  readonly port: number;
  readonly shown: Shown;
  /** How the name of the span begins whose attributes are shown, the last ones; absent: none. */
  readonly opened?: string;
}

async function take(page: Page, name: string, { port, shown, opened }: Picture): Promise<string> {
  const height = HEAD_HEIGHT + shown.spans * ROW_HEIGHT + (opened === undefined ? 0 : OPENED_HEIGHT);
  await page.setViewportSize({ width: WIDTH, height });
  await page.goto(`http://127.0.0.1:${port}/trace/${shown.traceId}`);
  const rows = page.locator('.span-row');
  await rows.nth(shown.spans - 1).waitFor();
  if (opened !== undefined) {
    await rows.filter({ hasText: opened }).locator('.span-view').click();
    const details = page.locator('.detail-row');
    await details.getByText(/^(?:Tags|Attributes):/).click();
    await details.locator('tr').last().scrollIntoViewIfNeeded();
  }
  const path = join(FOLDER, name);
  await page.screenshot({ path, animations: 'disabled' });
  const { size } = statSync(path);
  if (size > MOST_BYTES) throw new Error(`${path} has ${size} bytes; at most ${MOST_BYTES} may be kept`);
  return `${path}: ${Math.ceil(size / 1024)} KiB`;
}
