import { ConfigError, configOf, readCheckedSettings } from '../../config/index.ts';
import { readTextFile } from '../../text/index.ts';
import { parseArguments } from '../cli/args.ts';
import { fetchPage, type Fetched } from '../serve/fetch-page.ts';
import { placeOf, type ServerAddress } from '../serve/listen.ts';
import type { Status } from './status.ts';
import { renderStatus } from './status-text.ts';

const JSON_FLAG = '--json';

/** What `wirespan status` prints, and its exit status. */
export interface StatusAnswer {
  readonly text: string;
  /** 0: ready and healthy; 1: not; 3: no agent is there. */
  readonly status: 0 | 1 | 3;
}

/**
 * Asks the agent at the address of the settings how it is.
 * @throws ConfigError for settings that cannot be used, or name no address
 */
export async function askStatus(argv: readonly string[]): Promise<StatusAnswer> {
  const isJson = argv.includes(JSON_FLAG);
  const { flags } = parseArguments(['run', ...argv.filter((word) => word !== JSON_FLAG)]);
  const sources = { argv: flags, env: process.env, readFile: readTextFile, isWatched: false };
  const address = configOf(readCheckedSettings(sources), false).health;
  if (address === undefined) throw new ConfigError([{ subject: 'health.listen', problem: OFF }]);
  const { place, answer, status, why } = await fetchStatus(address);
  if (status !== undefined) {
    const isWell = status.ready.isSo && status.healthy.isSo;
    return { text: isJson ? answer.text : renderStatus(status, Date.now()), status: isWell ? 0 : 1 };
  }
  const text = isJson ? JSON.stringify({ endpoint: place, why }) : `${place}: ${why}`;
  return { text, status: answer.status === 503 ? 1 : 3 };
}

/** What an agent answered. */
export interface FetchedStatus {
  /** Where it was asked. */
  readonly place: string;
  readonly answer: Fetched;
  /** Undefined: none came. */
  readonly status: Status | undefined;
  /** Why none came. */
  readonly why: string;
}

/** Asks the agent that listens at this address how it is. */
export async function fetchStatus(address: ServerAddress): Promise<FetchedStatus> {
  const place = `http://${placeOf(localOf(address))}`;
  const answer = await fetchPage(`${place}/status`);
  const why =
    answer.status === 503
      ? 'an agent is there that has not attached its programs yet'
      : `no agent says there how it is: ${answer.cause ?? NO_AGENT}`;
  return { place, answer, why, status: answer.status === 200 ? readStatus(answer.text) : undefined };
}

const OFF =
  'is off, so no agent can be asked: give the address that the agent has there, such as --health.listen=127.0.0.1:9464, and start the agent with it';
const NO_AGENT = 'whatever listens there is no wirespan, or another version';

/** The one address that leads here where all are listened at. */
function localOf({ host, port }: ServerAddress): ServerAddress {
  if (host === '0.0.0.0') return { host: '127.0.0.1', port };
  return { host: host === '::' ? '::1' : host, port };
}

/** Undefined for what no agent of this version wrote. */
function readStatus(text: string): Status | undefined {
  try {
    const status = JSON.parse(text) as Status;
    // Whether it can be shown is whether it is one.
    renderStatus(status, Date.now());
    return typeof status.ready.isSo === 'boolean' && typeof status.healthy.isSo === 'boolean'
      ? status
      : undefined;
  } catch {
    return undefined;
  }
}
