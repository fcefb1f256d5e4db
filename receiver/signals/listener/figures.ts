import { readAddress } from '../../decode/bytes.ts';
import { LISTENER, LISTENER_KEY } from '../../decode/generated/layout.ts';
import type { ListenerFigures } from '../../model/listener-figures.ts';
import { rowsOf, type MapImage } from '../../model/map-image.ts';
import type { Owner } from '../../model/resource.ts';
import { Cells } from '../context.ts';

/** The rows of `listeners` that `pass` met a listening socket of. */
export function listenerFigures(
  image: MapImage,
  pass: number,
  ownerAt: (view: DataView, offset: number) => Owner,
): ListenerFigures[] {
  const cells = new Cells(image.values);
  const figures: ListenerFigures[] = [];
  for (const { id, keys, keyAt, values, valueAt } of rowsOf(image)) {
    const row = cells.moveTo(valueAt);
    if (row.at(LISTENER.pass) !== pass || keys.getUint8(keyAt + LISTENER_KEY.overflow) !== 0) continue;
    const family = keys.getUint8(keyAt + LISTENER_KEY.family) === 6 ? 6 : 4;
    figures.push({
      id,
      owner: ownerAt(keys, keyAt + LISTENER_KEY.owner),
      family,
      address: readAddress(values, valueAt + LISTENER.local, family),
      port: keys.getUint16(keyAt + LISTENER_KEY.port, true),
      netns: row.at(LISTENER.netns),
      sockets: row.at(LISTENER.count),
      queued: row.at(LISTENER.usage),
      limit: row.at(LISTENER.limit),
      drops: row.at(LISTENER.drops),
    });
  }
  return figures;
}
