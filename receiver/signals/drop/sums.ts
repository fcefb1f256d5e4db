import type { Attributes } from '@opentelemetry/api';
import { METRIC_PACKET_DROPPED } from '../../../semconv/index.ts';
import { DROP_KEY } from '../../decode/generated/layout.ts';
import { rowsOf, type MapImage } from '../../model/map-image.ts';
import { Cells, OVERFLOW_ATTRIBUTES, type SumsContext } from '../context.ts';
import { Memories } from '../memories.ts';
import type { DropDetails } from './details.ts';

/** Dropped packets by reason, on the owner of their socket, else on the host. */
export class DropSums {
  readonly #context: SumsContext;
  readonly #details: DropDetails;
  readonly #memories = new Memories(1);

  constructor(context: SumsContext, details: DropDetails) {
    this.#context = context;
    this.#details = details;
  }

  update(image: MapImage): void {
    const cells = new Cells(image.values);
    for (const row of rowsOf(image)) {
      const gained = this.#memories.of(row).gain(cells.moveTo(row.valueAt), 0);
      if (gained <= 0 || !this.#context.isOn(METRIC_PACKET_DROPPED)) continue;
      const resource = this.#context.resolve(this.#context.ownerAt(row.keys, row.keyAt + DROP_KEY.owner));
      this.#context.sink.add(METRIC_PACKET_DROPPED, resource, this.#attributes(row.keys, row.keyAt), gained);
    }
  }

  #attributes(view: DataView, at: number): Attributes {
    if (view.getUint8(at + DROP_KEY.overflow) !== 0) return OVERFLOW_ATTRIBUTES;
    return this.#details.attributes({
      reason: view.getUint32(at + DROP_KEY.reason, true),
      family: view.getUint8(at + DROP_KEY.family),
      state: view.getUint8(at + DROP_KEY.state),
      serverPort: view.getUint16(at + DROP_KEY.server_port, true),
      site: view.getUint32(at + DROP_KEY.site, true),
    });
  }

  forget(id: string): void {
    this.#memories.forget(id);
  }
}
