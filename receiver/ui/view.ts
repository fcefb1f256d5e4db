import {
  ATTR_NETWORK_LOCAL_ADDRESS,
  EVENT_PACKET_DROP,
  EVENT_TCP_CONNECTION_CLOSE,
  EVENT_TCP_CONNECTION_FAIL,
  EVENT_TCP_RETRANSMIT,
  EVENT_TCP_STATE_CHANGE,
} from '../../semconv/index.ts';
import { LOCAL_PORT, portsOf, REMOTE_PORT, type ViewArguments, type ViewOption } from '../views/options.ts';
import type { View, ViewNeeds, ViewRun, ViewTools } from '../views/view.ts';
import { UiModel } from './model.ts';
import type { UiSource } from './source.ts';

const INTERVAL_MS = 1_000;

/** What the kernel leaves out for `wirespan ui`, besides what all views have. */
export const UI_PORTS: readonly ViewOption[] = [LOCAL_PORT, REMOTE_PORT];

/** What is asked of the kernel, or of an agent. */
const NEEDS: ViewNeeds = {
  events: [
    EVENT_TCP_STATE_CHANGE,
    EVENT_TCP_CONNECTION_FAIL,
    EVENT_TCP_CONNECTION_CLOSE,
    EVENT_TCP_RETRANSMIT,
    EVENT_PACKET_DROP,
  ],
  traces: true,
  // Listeners are rows by their addresses.
  attributes: [ATTR_NETWORK_LOCAL_ADDRESS],
  probes: ['inet_sock_set_state', 'tcp_retransmit_skb', 'kfree_skb'],
  sums: {
    ...{ metrics: [], subnets: [], live: true, listeners: true },
    ...{ intervalMs: INTERVAL_MS, intervals: undefined },
  },
  cgroups: true,
};

/** What the pages as a view need of who serves them. */
export interface UiViewParts {
  readonly source: UiSource;
  /** The line that is printed when there is something to be seen. */
  readonly header: string;
  /** The model is there that the pages are made of. */
  begin(model: UiModel): void;
  /** Something that is to be known of what is shown. */
  say(words: string): void;
}

/** The pages as a view: records change what they show. */
export function uiView(parts: UiViewParts): View {
  return {
    name: 'ui',
    summary: 'connections, who talks to whom, requests that the network hurt and queues, in a browser',
    example: ['wirespan ui', 'prints the address to open'],
    options: UI_PORTS,
    needs: () => NEEDS,
    ports: portsOf,
    start: (_args: ViewArguments, tools: ViewTools) => runOf(new UiModel(parts.source, tools), parts),
  };
}

function runOf(model: UiModel, { header, begin, say }: UiViewParts): ViewRun {
  begin(model);
  return {
    header,
    say,
    row: (record) => {
      model.take(record);
      return undefined;
    },
    interval: (_gains, unixNs, _histograms, listeners) => {
      model.end(unixNs, listeners);
      return [];
    },
    notes: () => model.notes(),
  };
}
