import { outsideText } from '../../../text/index.ts';
import { h, type Content } from '../../report/page/element.ts';
import { count, outside, section, table } from '../../report/page/elements.ts';
import type { UiModel } from '../model.ts';
import type { PageBody } from './shell.ts';

/** One thing that was looked at, as `wirespan status` has it. */
export interface HealthRow {
  readonly subject: string;
  /** For example `ok` or `failed`. */
  readonly state: string;
  readonly found: string;
  readonly advice?: string;
}

/** What the agent of this host says of itself. */
export interface AgentHealth {
  /** In one sentence; absent where `groups` say it. */
  readonly problem?: string;
  readonly groups: readonly { readonly title: string; readonly findings: readonly HealthRow[] }[];
}

/** Longest text of an agent that is shown. */
const MAX_CHARS = 1_000;

/** How complete what is shown is, and how the agent of this host is. */
export function healthPage(model: UiModel, agent: AgentHealth): PageBody {
  return { live: [section('shown', 'What is shown here', ...shown(model)), agentSection(agent)] };
}

function shown(model: UiModel): Content[] {
  const notes = model.notes();
  return [
    h('p', {}, [
      `From ${model.source.words}: `,
      count(model.records),
      ' records so far, besides the sums of the kernel.',
    ]),
    notes.length === 0
      ? h('p', {}, 'Nothing is known to be missing.')
      : h(
          'ul',
          { id: 'missing' },
          notes.map((note) => h('li', {}, outside(note))),
        ),
  ];
}

function agentSection({ problem, groups }: AgentHealth): Content {
  return section('agent', 'The agent of this host', [
    problem === undefined ? undefined : h('p', { id: 'agent-problem' }, outside(problem)),
    ...groups.map(({ title, findings }, at) =>
      table({
        id: `agent-${String(at)}`,
        caption: title,
        columns: [{ label: 'what' }, { label: 'state' }, { label: 'found' }],
        rows: findings.map(({ subject, state, found, advice }) => [
          safe(subject),
          safe(state),
          safe(advice === undefined ? found : `${found} → ${advice}`),
        ]),
      }),
    ),
  ]);
}

/** Whoever listens there may have written it. */
function safe(text: string): Content {
  return outside(outsideText(text, MAX_CHARS));
}
