import { plainPage, startPageServer, type Asked, type Page, type PageServer } from '../serve/page-server.ts';
import { placeOf, type ServerAddress } from '../serve/listen.ts';
import { LIVE_SCRIPT } from './browser.ts';
import type { UiModel } from './model.ts';
import { connectionsPage } from './page/connections.ts';
import { healthPage, type AgentHealth } from './page/health.ts';
import { mapPage } from './page/map.ts';
import { timePage } from './page/over-time.ts';
import { queuesPage } from './page/queues.ts';
import { requestsPage } from './page/requests.ts';
import { renderShell, UI_STYLE, type PageBody, type PagePath } from './page/shell.ts';
import { hasToken, newToken } from './token.ts';

/** Nothing is run, loaded, sent or framed but from and by what is served here. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const HEADERS = {
  'Content-Security-Policy': POLICY,
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

export interface UiServerOptions {
  readonly address: ServerAddress;
  /** The library that changes a page in place, as a module. */
  readonly morph: string;
  /** Undefined: nothing was read yet. */
  readonly model: () => UiModel | undefined;
  readonly health: () => Promise<AgentHealth>;
  /** The address of a trace, with `{traceId}` in it. */
  readonly traceUrl: string;
  readonly onError: (error: unknown) => void;
}

export interface UiServer extends Pick<PageServer, 'close'> {
  /** What is to be opened, with the token. */
  readonly url: string;
}

/** Serves the pages to who has the token. Throws a ListenError. */
export async function startUiServer(options: UiServerOptions): Promise<UiServer> {
  const { address, morph, model, health, traceUrl, onError } = options;
  const token = newToken();
  const page =
    (path: PagePath, bodyOf: (model: UiModel, query: URLSearchParams) => PageBody | Promise<PageBody>) =>
    async ({ query }: Asked): Promise<Page> => {
      const shown = model();
      if (shown === undefined) return made(503, 'text/plain', 'programs are being loaded\n');
      return made(200, 'text/html', renderShell(path, shown, await bodyOf(shown, query)));
    };
  const files: Readonly<Record<string, Page>> = {
    'style.css': made(200, 'text/css', UI_STYLE),
    'live.js': made(200, 'text/javascript', LIVE_SCRIPT),
    'idiomorph.js': made(200, 'text/javascript', morph),
  };
  const pages: readonly (readonly [string, (asked: Asked) => Page | Promise<Page>])[] = [
    ['', page('', connectionsPage)],
    ['map', page('map', mapPage)],
    ['requests', page('requests', (shown, query) => requestsPage(shown, query, traceUrl))],
    ['queues', page('queues', queuesPage)],
    ['time', page('time', timePage)],
    ['health', page('health', async (shown) => healthPage(shown, await health()))],
    ...Object.entries(files).map(([name, file]) => [name, () => file] as const),
  ];
  const server = await startPageServer({
    address,
    listening: { who: 'The page', setting: '--listen', other: 'another wirespan ui' },
    pages: new Map(pages.map(([name, each]) => [`/${token}/${name}`, each])),
    headers: HEADERS,
    guard: (path) => (hasToken(path, token) ? undefined : REFUSED),
    onError,
  });
  return {
    url: `http://${placeOf({ ...address, port: server.port })}/${token}/`,
    close: () => server.close(),
  };
}

const REFUSED = plainPage(
  403,
  'open the whole address that wirespan ui printed: what is between its slashes lets in',
);

function made(status: number, type: string, text: string): Page {
  return { status, type: `${type}; charset=utf-8`, text };
}
