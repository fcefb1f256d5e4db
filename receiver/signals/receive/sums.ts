import { METRIC_TCP_RECEIVE_QUEUE_DURATION } from '../../../semconv/index.ts';
import { RECEIVE_SUMS } from '../../decode/generated/layout.ts';
import { rowsOf, type MapImage, type MapRow } from '../../model/map-image.ts';
import { readConnectionKey, type ConnectionKey } from '../connection/key.ts';
import { Cells, gainedHistogram, RowMemory, type SumsContext } from '../context.ts';

const NS = 1e9;
const BUCKETS = (METRIC_TCP_RECEIVE_QUEUE_DURATION.boundaries?.length ?? 0) + 1;

interface Row extends Pick<ConnectionKey, 'owner' | 'attributes'> {
  readonly memory: RowMemory;
}

/** How long data waited to be read: the kernel's `receives`. */
export class ReceiveWaits {
  readonly #context: SumsContext;
  readonly #rows = new Map<string, Row>();

  constructor(context: SumsContext) {
    this.#context = context;
  }

  update(image: MapImage): void {
    const cells = new Cells(image.values);
    for (const mapRow of rowsOf(image)) {
      const row = this.#rowAt(mapRow);
      cells.moveTo(mapRow.valueAt);
      const gained = gainedHistogram(row.memory, cells, {
        from: RECEIVE_SUMS.wait,
        buckets: BUCKETS,
        unit: NS,
      });
      if (gained === undefined || !this.#context.isOn(METRIC_TCP_RECEIVE_QUEUE_DURATION)) continue;
      const resource = this.#context.resolve(row.owner);
      this.#context.sink.addHistogram(
        METRIC_TCP_RECEIVE_QUEUE_DURATION,
        resource,
        row.attributes.plain,
        gained,
      );
    }
  }

  /** The kernel no longer has this row; it may begin anew from zero. */
  forget(id: string): void {
    this.#rows.delete(id);
  }

  #rowAt({ id, keys, keyAt }: MapRow): Row {
    let row = this.#rows.get(id);
    if (row === undefined) {
      const { owner, attributes } = readConnectionKey(this.#context, keys, keyAt);
      row = { owner, attributes, memory: new RowMemory(RECEIVE_SUMS.size >> 3) };
      this.#rows.set(id, row);
    }
    return row;
  }
}
