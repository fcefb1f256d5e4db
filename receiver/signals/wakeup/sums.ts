import {
  ATTR_WAKEUP_PART,
  METRIC_TCP_WAKEUP_DURATION,
  WAKEUP_PART_VALUE_RUN,
  WAKEUP_PART_VALUE_WAKE,
} from '../../../semconv/index.ts';
import type { Attributes } from '@opentelemetry/api';
import { WAKEUP_KEY, WAKEUP_SUMS } from '../../decode/generated/layout.ts';
import { rowsOf, type MapImage, type MapRow } from '../../model/map-image.ts';
import type { Owner } from '../../model/resource.ts';
import { Cells, gainedHistogram, OVERFLOW_ATTRIBUTES, RowMemory, type SumsContext } from '../context.ts';

const NS = 1e9;
const BUCKETS = (METRIC_TCP_WAKEUP_DURATION.boundaries?.length ?? 0) + 1;
const PARTS = [
  [WAKEUP_PART_VALUE_WAKE, WAKEUP_SUMS.wake],
  [WAKEUP_PART_VALUE_RUN, WAKEUP_SUMS.run],
] as const;

interface Row {
  readonly owner: Owner;
  readonly isOverflow: boolean;
  readonly memory: RowMemory;
}

/** How long readers slept on: the kernel's `wakeups`. */
export class WakeupSums {
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
      for (const [part, from] of PARTS) {
        const gained = gainedHistogram(row.memory, cells, { from, buckets: BUCKETS, unit: NS });
        if (gained === undefined || !this.#context.isOn(METRIC_TCP_WAKEUP_DURATION)) continue;
        this.#context.sink.addHistogram(
          METRIC_TCP_WAKEUP_DURATION,
          this.#context.resolve(row.owner),
          attributesOf(row, part),
          gained,
        );
      }
    }
  }

  /** The kernel no longer has this row; it may begin anew from zero. */
  forget(id: string): void {
    this.#rows.delete(id);
  }

  #rowAt({ id, keys, keyAt }: MapRow): Row {
    let row = this.#rows.get(id);
    if (row === undefined) {
      row = {
        owner: this.#context.ownerAt(keys, keyAt + WAKEUP_KEY.owner),
        isOverflow: keys.getUint8(keyAt + WAKEUP_KEY.overflow) !== 0,
        memory: new RowMemory(WAKEUP_SUMS.size >> 3),
      };
      this.#rows.set(id, row);
    }
    return row;
  }
}

/** Those without a row of their own have both parts in one series. */
function attributesOf({ isOverflow }: Row, part: string): Attributes {
  return isOverflow ? OVERFLOW_ATTRIBUTES : { [ATTR_WAKEUP_PART]: part };
}
