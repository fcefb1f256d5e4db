import type { Attributes } from '@opentelemetry/api';
import {
  ATTR_NETWORK_CONNECTION_STATE,
  ATTR_NETWORK_TRANSPORT,
  ATTR_SERVER_PORT,
  ATTR_TCP_HANDSHAKE_ROLE,
  METRIC_SYSTEM_NETWORK_CONNECTION_COUNT,
  METRIC_TCP_STATE_DURATION,
} from '../../../semconv/index.ts';
import { STATE_KEY, STATE_SUMS } from '../../decode/generated/layout.ts';
import { ROLE_NAMES, STATE_NAMES } from '../../decode/names.ts';
import { rowsOf, type MapImage } from '../../model/map-image.ts';
import { Cells, gainedHistogram, OVERFLOW_ATTRIBUTES, type SumsContext } from '../context.ts';
import { Memories } from '../memories.ts';

const NS = 1e9;

/** Time spent in each TCP state. */
export class StateSums {
  readonly #context: SumsContext;
  readonly #memories = new Memories(STATE_SUMS.size >> 3);

  constructor(context: SumsContext) {
    this.#context = context;
  }

  update(image: MapImage): void {
    const cells = new Cells(image.values);
    const buckets = (METRIC_TCP_STATE_DURATION.boundaries?.length ?? 0) + 1;
    for (const row of rowsOf(image)) {
      const memory = this.#memories.of(row);
      const gained = gainedHistogram(memory, cells.moveTo(row.valueAt), {
        from: STATE_SUMS.duration,
        buckets,
        unit: NS,
      });
      const attributes = stateAttributes(row.keys, row.keyAt);
      if (gained === undefined || attributes === undefined) continue;
      const resource = this.#context.resolve(this.#context.ownerAt(row.keys, row.keyAt + STATE_KEY.owner));
      this.#context.sink.addHistogram(METRIC_TCP_STATE_DURATION, resource, attributes, gained);
    }
  }

  forget(id: string): void {
    this.#memories.forget(id);
  }
}

/** Undefined: no state that has a name. */
function stateAttributes(view: DataView, at: number): Attributes | undefined {
  if (view.getUint8(at + STATE_KEY.overflow) !== 0) return OVERFLOW_ATTRIBUTES;
  const state = STATE_NAMES[view.getUint8(at + STATE_KEY.state)];
  if (state === undefined) return undefined;
  const role = ROLE_NAMES[view.getUint8(at + STATE_KEY.role)];
  const port = view.getUint16(at + STATE_KEY.server_port, true);
  return {
    [ATTR_NETWORK_CONNECTION_STATE]: state,
    ...(role !== undefined && { [ATTR_TCP_HANDSHAKE_ROLE]: role }),
    ...(port !== 0 && { [ATTR_SERVER_PORT]: port }),
  };
}

/** Sets `system.network.connection.count` from sockets by kernel state number. */
export function setConnectionStates(context: SumsContext, states: readonly number[]): void {
  if (!context.isOn(METRIC_SYSTEM_NETWORK_CONNECTION_COUNT)) return;
  const counts = new Map<string, number>();
  for (const [state, count] of states.entries()) {
    const name = STATE_NAMES[state];
    if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + count);
  }
  for (const [name, count] of counts)
    context.sink.set(
      METRIC_SYSTEM_NETWORK_CONNECTION_COUNT,
      context.host(),
      { [ATTR_NETWORK_CONNECTION_STATE]: name, [ATTR_NETWORK_TRANSPORT]: 'tcp' },
      count,
    );
}
