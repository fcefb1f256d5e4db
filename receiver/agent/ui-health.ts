import { configOf, readCheckedSettings } from '../../config/index.ts';
import { readTextFile } from '../../text/index.ts';
import type { ServerAddress } from '../serve/listen.ts';
import type { AgentHealth } from '../ui/page/health.ts';
import { fetchStatus } from './status-run.ts';
import { statusFindings } from './status-text.ts';

/** However many pages ask, the agent is asked once in so long. */
const FRESH_MS = 1_000;
const NO_ADDRESS: AgentHealth = {
  problem:
    'It is not known where to ask an agent: start it with health.listen, and this with the same (WIRESPAN_HEALTH_LISTEN, WIRESPAN_CONFIG).',
  groups: [],
};

/**
 * What the agent at `health.listen` of the settings says of itself; where there is none, that.
 * @throws ConfigError for settings that cannot be used
 */
export function agentHealth(): () => Promise<AgentHealth> {
  const sources = { argv: [], env: process.env, readFile: readTextFile, isWatched: false };
  const address = configOf(readCheckedSettings(sources), false).health;
  if (address === undefined) return () => Promise.resolve(NO_ADDRESS);
  let asked: { readonly atMs: number; readonly answer: Promise<AgentHealth> } | undefined;
  return () => {
    const nowMs = performance.now();
    if (asked === undefined || nowMs - asked.atMs > FRESH_MS) asked = { atMs: nowMs, answer: askAt(address) };
    return asked.answer;
  };
}

async function askAt(address: ServerAddress): Promise<AgentHealth> {
  const { place, status, why } = await fetchStatus(address);
  return status === undefined
    ? { problem: `${place}: ${why}`, groups: [] }
    : { groups: statusFindings(status, Date.now()) };
}
