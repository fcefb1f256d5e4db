import { ExemplarStore } from '../../../receiver/aggregate/exemplars.ts';
import { createMetricStore } from '../../../receiver/aggregate/metric-store.ts';
import type { ObservedResource } from '../../../receiver/model/resource.ts';
import { METRIC_TCP_CONNECTION_OPENED, METRIC_TCP_HANDSHAKE_DURATION } from '../../../semconv/index.ts';
import { churnOf, HELD, type Churn } from './churn.ts';

const workload = (index: number): ObservedResource => ({
  id: `w${String(index)}`,
  kind: 'workload',
  attributes: { 'process.pid': index },
});

/** Series and exemplars. */
export const SERIES_CHURNS: readonly Churn[] = [
  churnOf('series of workloads', () => {
    const store = createMetricStore({ temporality: 'delta', startUnixNs: 0n });
    return (index) => {
      store.add(METRIC_TCP_CONNECTION_OPENED, workload(index), { 'server.port': 80 }, 1);
      store.retire(workload(index).id);
      if (index % HELD === 0) store.collect(BigInt(index));
    };
  }),
  churnOf('series of one workload', () => {
    const store = createMetricStore({ temporality: 'delta', startUnixNs: 0n });
    return (index) => {
      const attributes = Object.freeze({ 'network.peer.address': String(index) });
      store.add(METRIC_TCP_CONNECTION_OPENED, workload(1), attributes, 1);
      if (index % HELD === 0) store.collect(BigInt(index));
    };
  }),
  churnOf('exemplars', () => {
    const store = new ExemplarStore();
    return (index) => {
      store.offer(METRIC_TCP_HANDSHAKE_DURATION, workload(index), { index }, { time: [index, 0], value: 1 });
      if (index % HELD === 0) store.attach([]);
      if (index % HELD === 1)
        store.offer(METRIC_TCP_HANDSHAKE_DURATION, workload(1), {}, { time: [0, 0], value: 1 });
    };
  }),
];
