import { ConnectionSums } from '../../../receiver/signals/connection/sums.ts';
import type { SumsContext } from '../../../receiver/signals/context.ts';
import { DropSums } from '../../../receiver/signals/drop/sums.ts';
import { StateSums } from '../../../receiver/signals/state/sums.ts';
import { ListenerSums } from '../../../receiver/signals/listener/sums.ts';
import { ReceiveWaits } from '../../../receiver/signals/receive/sums.ts';
import { ResetSums } from '../../../receiver/signals/reset/sums.ts';
import { STATE_SUMS } from '../../../receiver/decode/generated/layout.ts';
import type { MapImage } from '../../../receiver/model/map-image.ts';
import {
  dropKey,
  listenerKey,
  mapImage,
  resetKey,
  seriesKey,
  seriesValue,
  sparse,
  stateKey,
} from '../../fixtures/records/write-rows.ts';
import { createHarness, dropDetails, NGINX } from '../../support/sums-harness.ts';
import { churnOf, HELD, type Churn } from './churn.ts';

/** What is given to it is gone. */
const context: SumsContext = {
  ...createHarness({ optIn: ['network.connection.state'] }),
  sink: {
    add: () => undefined,
    addHistogram: () => undefined,
    set: () => undefined,
    expect: () => undefined,
  },
};

interface Rows {
  update(image: MapImage): void;
  forget(id: string): void;
}

/** Rows in one reading of a map. */
const ROWS = 200;

/** Rows of a kernel map come, gain something, and go with their process. */
function rowsOf(name: string, key: Uint8Array, value: Uint8Array, create: () => Rows): Churn {
  return churnOf(name, () => {
    const rows = create();
    const image = mapImage(Array.from({ length: ROWS }, () => [key, value] as const));
    const keys = new DataView(image.keys.buffer);
    const setKey = (index: number): string => {
      const at = (Math.max(0, index) % ROWS) * key.length;
      keys.setBigUint64(at, BigInt(Math.max(0, index)), true);
      return Buffer.from(image.keys.subarray(at, at + key.length)).toString('latin1');
    };
    return (index) => {
      rows.forget(setKey(index - HELD));
      setKey(index);
      if (index % ROWS === ROWS - 1) rows.update(image);
    };
  });
}

const ones = (count: number): Uint8Array =>
  sparse(count, Object.fromEntries(Array.from({ length: count }, (_, i) => [i, 1])));

/** Rows of kernel maps as the receiver remembers them. */
export const ROW_CHURNS: readonly Churn[] = [
  rowsOf(
    'rows of connections',
    seriesKey({ owner: NGINX, role: 1, state: 1 }),
    seriesValue({ 0: 1, 22: 1, 23: 1 }),
    () => new ConnectionSums(context),
  ),
  rowsOf('rows of listeners', listenerKey(NGINX, 80), ones(40), () => new ListenerSums(context)),
  rowsOf('rows of drops', dropKey(NGINX, 6, 4), ones(1), () => new DropSums(context, dropDetails(String))),
  rowsOf('rows of resets', resetKey({ owner: NGINX }), ones(1), () => new ResetSums(context, String)),
  rowsOf('rows of waits', seriesKey({ owner: NGINX, role: 1 }), ones(32), () => new ReceiveWaits(context)),
  rowsOf('rows of states', stateKey(NGINX, 1, 1), ones(STATE_SUMS.size >> 3), () => new StateSums(context)),
];
