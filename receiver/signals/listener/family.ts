import type { Family, FamilySums, SumsParts } from '../family.ts';
import { listenerDecoder } from './decode.ts';
import { listenerEvents } from './events.ts';
import { queueOverflowRecord } from './queue-overflow.ts';
import { ListenQueues } from './queues.ts';
import { ListenerSums } from './sums.ts';

/** Listening sockets and their queues. */
export interface ListenerFamilySums extends FamilySums {
  readonly listeners: ListenerSums;
}

export const listener: Family<ListenerFamilySums> = {
  name: 'listener',
  records: [listenerDecoder],
  sums: createSums,
  events: listenerEvents,
};

function createSums({ context, host, overflow, now }: SumsParts): ListenerFamilySums {
  const listeners = new ListenerSums(context);
  const queues = new ListenQueues({
    context,
    read: (pid, netns) => host.listenCounters(pid, netns),
    onOverflow: (met) => overflow(queueOverflowRecord(met, now())),
  });
  return {
    listeners,
    maps: [{ map: 'listeners', isReadOften: true, update: (image) => listeners.update(image) }],
    get boundsMet() {
      return { 'network namespaces forgotten': queues.forgotten };
    },
    meet: ({ netns, pid }) => queues.meet(netns, pid),
    setGauges: (pass) => listeners.setGauges(pass),
    settle: (pass) => queues.settle(listeners.rows.values(), pass),
  };
}
