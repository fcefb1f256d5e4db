import { BoundedCache } from '../../../receiver/model/bounded-cache.ts';
import { createHarness } from '../../support/sums-harness.ts';
import { HostNamespaces } from '../../../receiver/signals/listener/host-namespaces.ts';
import { createConnectHolds } from '../../../receiver/signals/connection/connect-holds.ts';
import { createConnectionIds } from '../../../receiver/correlate/connection-id.ts';
import { ConnectionLinks } from '../../../receiver/correlate/connection-links.ts';
import { createEventLimit } from '../../../receiver/correlate/event-limit.ts';
import { LossEpisodes } from '../../../receiver/signals/loss-episodes.ts';
import { createSpanLimit } from '../../../receiver/correlate/span-limit.ts';
import { OwnerTable } from '../../../receiver/decode/owners.ts';
import { connection, request, retransmit } from '../../support/correlation.ts';
import { RecordExemplars } from '../../../receiver/exemplars/record-exemplars.ts';
import { FAMILIES } from '../../../receiver/signals/index.ts';
import { churnOf, HELD, MAX_OWNERS, ownerOf, type Churn } from './churn.ts';

const spanOf = (index: number): ReturnType<typeof request> => request(index);

/** The caches of the stages from records to signals, through what their users call. */
export const CACHE_CHURNS: readonly Churn[] = [
  churnOf('BoundedCache, set and deleted', () => {
    const cache = new BoundedCache<number, number>(10_000);
    return (index) => {
      cache.set(index, index);
      cache.delete(index - HELD);
    };
  }),
  churnOf('BoundedCache, evicted', () => {
    const cache = new BoundedCache<number, number>(10_000);
    return (index) => cache.set(index, index);
  }),
  churnOf('OwnerTable', () => {
    const owners = new OwnerTable(MAX_OWNERS, () => false);
    return (index) => {
      owners.learn(ownerOf(index));
      owners.forget(ownerOf(index - HELD));
    };
  }),
  churnOf('connection ids', () => {
    const ids = createConnectionIds('boot');
    return (index) => void ids(7, BigInt(index));
  }),
  churnOf('links of connections', () => {
    const links = new ConnectionLinks(() => true);
    return (index) => {
      links.addUse(7, BigInt(index), spanOf(index));
      links.take(7, BigInt(index - HELD));
    };
  }),
  churnOf('handshakes that wait', () => {
    const holds = createConnectHolds(10_000, () => undefined);
    return (index) => {
      holds.hold(connection({ cookie: BigInt(index) }));
      holds.take(connection({ cookie: BigInt(index - HELD) }));
    };
  }),
  churnOf('requests of connections, for exemplars', () => {
    const exemplars = new RecordExemplars({
      store: { offer: () => undefined },
      filter: 'trace_based',
      context: { ...createHarness(), isOn: () => false },
      cidrOf: () => undefined,
      families: FAMILIES.flatMap(({ exemplars: create }) => create ?? []),
      clock: { toUnixNs: (ns) => ns },
      names: { dropReason: String },
    });
    return (index) => {
      exemplars.see(connection({ kind: 'handshake', cookie: BigInt(index), context: spanOf(index) }));
      exemplars.see(connection({ kind: 'close', cookie: BigInt(index - HELD) }));
    };
  }),
  churnOf('episodes of losses', () => {
    const episodes = new LossEpisodes(10_000, () => undefined);
    return (index) => {
      const context = spanOf(index);
      const record = retransmit({ cookie: BigInt(index), context });
      episodes.add(record, { ...context, confidence: 'exact' }, 1);
      episodes.endSocket(7, BigInt(index - HELD));
    };
  }),
  churnOf('limits of spans', () => {
    const limit = createSpanLimit({ perSecond: 0, maxPerParent: 10, maxPerTrace: 10 }, 0n);
    return (index) => {
      const { traceId, spanId } = spanOf(index);
      limit.refuse(
        { path: ['user', 'container', 'service', 'w'], traceId, parentSpanId: spanId },
        BigInt(index),
      );
    };
  }),
  churnOf('limits of events', () => {
    const limit = createEventLimit(10);
    return (index) => {
      const path = [`user ${index % 97}`, 'container', `service ${index}`, `workload ${index}`];
      limit.admit('wirespan.tcp.retransmit', path, BigInt(index) * 10_000n);
    };
  }),
  churnOf('network namespaces', () => {
    const namespaces = new HostNamespaces(() => ({ acceptOverflows: 0, cookies: 0, synDrops: 0 }));
    return (index) => namespaces.meet(index, 1);
  }),
];
