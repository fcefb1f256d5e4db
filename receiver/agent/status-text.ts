import { outsideText } from '../../text/index.ts';
import { found, type Finding, type FindingGroup } from './doctor-finding.ts';
import { renderFindings } from './doctor-text.ts';
import type { SignalStatus, Status, Verdict } from './status.ts';

/** Below it the agent's memory is no cause to look closer. */
const MUCH = 0.9;

/** One screen for people. `now`: Unix milliseconds. */
export function renderStatus(status: Status, now: number): string {
  return renderFindings(statusFindings(status, now));
}

/** What that screen has, in the order of it. */
export function statusFindings(status: Status, now: number): readonly FindingGroup[] {
  const groups: FindingGroup[] = [
    { title: 'The agent', findings: agentFindings(status, now) },
    { title: 'Signals', findings: status.families },
    { title: 'Where it goes', findings: status.export.map((each) => exportFinding(each, now)) },
    { title: 'Lost since the start, before it could be sent', findings: lossFindings(status) },
  ];
  return groups.map(({ title, findings }) => ({ title, findings: findings.map(shownSafely) }));
}

function agentFindings({ version, pid, since, ready, healthy, memory }: Status, now: number): Finding[] {
  const up = ago(now - Date.parse(since));
  return [
    found('wirespan', `${version}, pid ${String(pid)}, up ${up}, since ${since.slice(0, 19)}Z`),
    verdictFinding('ready', ready),
    verdictFinding('healthy', healthy),
    memoryFinding(memory),
  ];
}

function verdictFinding(subject: string, { isSo, why }: Verdict): Finding {
  return { subject, state: isSo ? 'ok' : 'failed', found: why };
}

function memoryFinding({ rssBytes, agentBoundBytes, kernelBoundBytes }: Status['memory']): Finding {
  const text = `${mega(rssBytes)} MB resident of ${mega(agentBoundBytes)} that the settings can come to, and ${mega(kernelBoundBytes)} in the kernel`;
  if (rssBytes < MUCH * agentBoundBytes) return found('memory', text);
  return {
    subject: 'memory',
    state: 'limited',
    found: text,
    advice: 'wirespan check-config says which settings decide it, docs/overhead.md what is beside it',
  };
}

function exportFinding(status: SignalStatus, now: number): Finding {
  const { signal: subject, endpoint, isFailing, lastSuccess, lastFailure } = status;
  if (endpoint === undefined) return { subject, state: 'off', found: 'not sent' };
  const taken =
    lastSuccess === undefined ? 'nothing taken yet' : `last taken ${ago(now - Date.parse(lastSuccess))} ago`;
  const text = `${endpoint}: ${taken}; ${countsOf(status)}`;
  if (!isFailing || lastFailure === undefined) return found(subject, text);
  return {
    subject,
    state: 'failed',
    found: text,
    advice: `${ago(now - Date.parse(lastFailure.at))} ago: ${lastFailure.cause}; it is tried again`,
  };
}

function countsOf({ exported, inFlight, dropped }: SignalStatus): string {
  const lost = Object.entries(dropped).map(([reason, count]) => `${number(count)} lost (${reason})`);
  const waiting = inFlight > 0 ? [`${number(inFlight)} under way`] : [];
  return [`${number(exported)} exported`, ...waiting, ...lost].join(', ');
}

function lossFindings({ lost }: Status): Finding[] {
  if (lost.length === 0) return [found('records', 'none')];
  return lost.map(({ reason, probe, count }) => {
    const of = probe === undefined ? '' : `, ${probe}`;
    return { subject: 'records', state: 'limited', found: `${number(count)}: ${reason}${of}` };
  });
}

/** Whoever listens there may have written it. */
function shownSafely({ subject, state, found: text, advice }: Finding): Finding {
  return {
    subject: outsideText(subject),
    state,
    found: outsideText(text, 1_000),
    ...(advice !== undefined && { advice: outsideText(advice, 1_000) }),
  };
}

/** In the two largest units. */
function ago(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const [minutes, hours, days] = [60, 3_600, 86_400].map((size) => Math.floor(seconds / size)) as [
    number,
    number,
    number,
  ];
  if (days > 0) return `${String(days)} d ${String(hours % 24)} h`;
  if (hours > 0) return `${String(hours)} h ${String(minutes % 60)} min`;
  if (minutes > 0) return `${String(minutes)} min ${String(seconds % 60)} s`;
  return `${String(seconds)} s`;
}

const number = (value: number): string => value.toLocaleString('en');
const mega = (bytes: number): string => number(Math.round(bytes / 1e6));
