/** A page of `wirespan report` or `wirespan ui` as headless Chromium shows it, and what it says then. */
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';
import type { Cleanup } from '../support/cleanup.ts';

/** What is written in a cell of a table, and the exact figure if it is one. */
export interface Cell {
  readonly text: string;
  readonly value: number | undefined;
}

/** Where Debian's package has it. */
const CHROMIUM = '/usr/bin/chromium';
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** One that goes with the test. */
export async function startBrowser(cleanup: Cleanup): Promise<Browser> {
  const browser = await chromium.launch({ executablePath: CHROMIUM });
  cleanup.add(() => browser.close());
  return browser;
}

/** A page as it is shown: one that was opened from its file, without a network, or one of `wirespan ui`. */
export class ShownPage {
  /** What it asked for besides itself, what its policy refused, and what failed in it. */
  readonly complaints: string[] = [];
  readonly page: Page;

  private constructor(page: Page, isOwn: (url: string) => boolean) {
    this.page = page;
    page.on('request', (request) => {
      if (!isOwn(request.url())) this.complaints.push(`asked for ${request.url()}`);
    });
    page.on('console', (message) => this.complaints.push(message.text()));
    page.on('pageerror', (error) => this.complaints.push(error.message));
  }

  static async open(
    browser: Browser,
    file: string,
    colorScheme: 'light' | 'dark' = 'light',
  ): Promise<ShownPage> {
    const page = await browser.newPage({ offline: true, colorScheme });
    const { href } = pathToFileURL(file);
    const shown = new ShownPage(page, (url) => url === href);
    await page.goto(href);
    return shown;
  }

  /** One that is served, which may ask for what lies beside it alone. */
  static async at(
    browser: Browser,
    address: string,
    colorScheme: 'light' | 'dark' = 'light',
  ): Promise<ShownPage> {
    const page = await browser.newPage({ colorScheme });
    const shown = new ShownPage(
      page,
      (url) => url.startsWith(new URL('.', address).href) || url === 'data:,',
    );
    await page.goto(address);
    return shown;
  }

  /** The figures that the page has for programs. */
  async figures(): Promise<unknown> {
    return JSON.parse((await this.page.locator('#wirespan-report').textContent()) ?? '') as unknown;
  }

  /** A sum at the top of the page. */
  async total(name: string): Promise<number> {
    return Number(await this.page.locator(`#total-${name} data`).getAttribute('value'));
  }

  /** The rows of a table, without its head; none where it is not there. */
  async rows(id: string): Promise<readonly (readonly Cell[])[]> {
    const rows = await this.run<{ text: string; value: string | null }[][]>(
      `[...document.querySelectorAll('#${id} tbody tr')].map((row) => [...row.children].map((cell) => ({
        text: cell.textContent, value: cell.querySelector('data')?.getAttribute('value') ?? null })))`,
    );
    return rows.map((row) =>
      row.map(({ text, value }) => ({ text, value: value === null ? undefined : Number(value) })),
    );
  }

  /** The second cell of each row by its first. */
  async sums(id: string): Promise<Readonly<Record<string, number | undefined>>> {
    return Object.fromEntries((await this.rows(id)).map(([name, sum]) => [name?.text ?? '', sum?.value]));
  }

  /** Attributes that could lead out of the page, or be run. */
  async references(): Promise<readonly string[]> {
    return await this.run(
      `[...document.querySelectorAll('*')].flatMap((element) => [...element.attributes]
        .filter(({ name }) => /^(src|srcset|href|xlink:href|action|data|poster|background|style|on.*)$/.test(name))
        .map(({ name, value }) => name + '=' + value))`,
    );
  }

  /** What the rules of axe-core find wrong, by rule and place. */
  async barriers(): Promise<readonly string[]> {
    await this.page.evaluate(readFileSync(AXE, 'utf8'));
    return await this.run(
      `axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) =>
        nodes.map(({ html, failureSummary }) => [id, html.slice(0, 200), failureSummary].join(' | '))))`,
    );
  }

  /** What an expression is in the page. Text, since tests know nothing of what browsers alone have. */
  async run<Result>(expression: string): Promise<Result> {
    return await this.page.evaluate(expression);
  }
}
