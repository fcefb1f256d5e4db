/** The form of a page of `wirespan report`: safe, complete in itself, and for everybody; and which files it is written to. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'playwright-core';
import type { Report } from '../../receiver/report/report.ts';
import type { Ended } from '../support/agent.ts';
import { Cleanup } from '../support/cleanup.ts';
import { ShownPage } from './report-page.ts';
import { asNobody, COMMAND, LOAD, NOBODY, ReportRig, SHOWN_SERVICE } from './report-rig.ts';

describe('the page of a recording', () => {
  const cleanup = new Cleanup();
  const rig = new ReportRig(cleanup);
  const { folder, client } = rig;
  const [recording, pagePath] = [join(folder, 'recording'), join(folder, 'page.html')];
  let made: Ended;
  let browser: Browser;
  let page: ShownPage;
  let report: Report;

  before(async () => {
    await rig.record(recording);
    made = await asNobody('report', pagePath, '--from', recording);
    browser = await rig.browser();
    page = await ShownPage.open(browser, pagePath);
    report = (await page.figures()) as Report;
  });
  after(() => cleanup.run());

  it('is made by who has no privilege, for its owner alone', () => {
    assert.equal(made.code, 0, made.stderr);
    assert.match(made.stderr, /^wirespan report: \S+page\.html shows [\d.]+ s with \d+ records\n$/);
    const { mode, uid } = statSync(pagePath);
    assert.deepEqual([mode & 0o777, uid], [0o600, NOBODY]);
  });

  it('asks for nothing, and nothing in it leads out of it or is run', async () => {
    const references = await page.references();
    assert.ok(references.length > 5);
    for (const reference of references) assert.match(reference, /^href=#/);
    const text = readFileSync(pagePath, 'utf8');
    const style = /<style>([^]*?)<\/style>/.exec(text)?.[1] ?? assert.fail();
    assert.doesNotMatch(style, /url\(|@import|image-set/);
    for (const [, to = ''] of text.matchAll(/url\(([^)]*)\)/g)) assert.match(to, /^#/);
    const [, policy = ''] = /Content-Security-Policy" content="([^"]*)"/.exec(text) ?? [];
    assert.match(
      policy.replaceAll('&#39;', "'"),
      /^default-src 'none'; style-src 'sha256-[\w+/=]{44}'; base-uri 'none'; form-action 'none'$/,
    );
    const background = await page.run('getComputedStyle(document.body).maxWidth');
    assert.equal(background, '1152px', 'the policy lets the style of the page through');
    const scripts = await page.run("[...document.querySelectorAll('script')].map(({ type }) => type)");
    assert.deepEqual(scripts, ['application/json']);
    assert.deepEqual(page.complaints, []);
  });

  it('shows names of processes as text, whatever they are', async () => {
    assert.equal(await page.page.locator('#broken').count(), 0);
    const rows = await page.rows('by-losses');
    const own = rows.filter(([service]) => service?.text === SHOWN_SERVICE);
    assert.ok(own.length > 0, JSON.stringify(rows));
    for (const [, process] of own) assert.equal(process?.text, `${COMMAND} ${client.pid}`);
    assert.ok(report.connections.byLosses.rows.some(({ service }) => service === SHOWN_SERVICE));
  });

  it('can be used by everybody: no barrier that axe-core finds, light or dark', async () => {
    for (const scheme of ['light', 'dark'] as const) {
      const shown = await ShownPage.open(browser, pagePath, scheme);
      assert.deepEqual(await shown.barriers(), [], scheme);
      await shown.page.close();
    }
    const plots = await page.page.locator('figure').count();
    assert.ok(plots >= 8, String(plots));
    assert.equal(await page.page.locator('figure figcaption').count(), plots);
    assert.equal(await page.page.locator('figure svg[role=img][aria-label]').count(), plots);
    assert.equal(await page.page.locator('figure + .scroll table caption').count(), plots);
  });

  it('is used by the keyboard: the first key leads past the contents, and wide tables can be reached', async () => {
    await page.page.keyboard.press('Tab');
    assert.equal(await page.run('document.activeElement.className'), 'skip');
    await page.page.keyboard.press('Enter');
    assert.equal(await page.run('document.activeElement.id'), 'content');
    assert.equal(
      await page.run('[...document.querySelectorAll(".scroll")].every(({ tabIndex }) => tabIndex === 0)'),
      true,
    );
  });

  it('is printed on white, without what leads nowhere on paper', async () => {
    const shown = await ShownPage.open(browser, pagePath, 'dark');
    await shown.page.emulateMedia({ media: 'print' });
    const [background, nav] = await shown.run<string[]>(
      '[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.querySelector("nav")).display]',
    );
    assert.deepEqual([background, nav], ['rgb(255, 255, 255)', 'none']);
    await shown.page.close();
  });

  it('tells parts of a plot apart without colour', async () => {
    const marks = await page.run<string[]>(
      '[...document.querySelectorAll("pattern")].map((each) => each.querySelector("path")?.getAttribute("d") ?? "")',
    );
    assert.equal(new Set(marks).size, 6);
  });

  it('of a file that was cut off has what is before that, and says so', async () => {
    const cut = join(folder, 'cut');
    copyFileSync(recording, cut);
    truncateSync(cut, statSync(cut).size - 40);
    chownSync(cut, NOBODY, NOBODY);
    const file = join(folder, 'cut.html');
    const { code, stderr } = await asNobody('report', file, '--from', cut);
    assert.equal(code, 1);
    const [, problem = ''] =
      /^wirespan report: (\S+cut is cut off or damaged at byte \d+: what is before that is used)$/m.exec(
        stderr,
      ) ?? [];
    assert.notEqual(problem, '', stderr);
    const shown = await ShownPage.open(browser, file);
    assert.equal(await shown.page.locator('.warning').first().textContent(), problem);
    const figures = (await shown.figures()) as Report;
    assert.equal(figures.facts.problem, problem);
    assert.ok(figures.totals.failed <= LOAD.refused && figures.totals.opened > 0);
    assert.match(
      (await shown.page.locator('#left-out').textContent()) ?? '',
      /it is not known how many were lost/,
    );
    await shown.page.close();
  });

  it('is never written over what is there, nor through a link', async () => {
    const other = join(folder, 'other');
    writeFileSync(other, 'kept');
    chmodSync(other, 0o666);
    const link = join(folder, 'link.html');
    symlinkSync(other, link);
    for (const args of [[other], [link], [link, '--force']]) {
      const { code, stderr } = await asNobody('report', ...args, '--from', recording);
      assert.equal(code, 2);
      assert.match(
        stderr,
        /^wirespan: \S+ is there already: (--force replaces it|it is no regular file, so it is not replaced)\n$/,
      );
    }
    assert.equal(readFileSync(other, 'utf8'), 'kept');
    const replaced = await asNobody('report', pagePath, '--force', '--from', recording);
    assert.equal(replaced.code, 0, replaced.stderr);
  });

  it('is not left behind where nothing could be read', async () => {
    const file = join(folder, 'nothing.html');
    const cases: [string, RegExp][] = [
      [join(folder, 'none'), /none cannot be read: ENOENT$/],
      [join(folder, 'settings.yaml'), /settings\.yaml is no recording of wirespan$/],
    ];
    for (const [from, pattern] of cases) {
      const { code, stderr } = await asNobody('report', file, '--from', from);
      assert.equal(code, 2);
      assert.match(stderr.trimEnd(), pattern);
      assert.equal(existsSync(file), false);
    }
  });
});
