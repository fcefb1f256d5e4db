import type { Family, FamilySums, SumsParts } from '../family.ts';
import { connectionDecoder } from './decode.ts';
import { ConnectionEvents } from './events.ts';
import { connectionExemplars } from './exemplars.ts';
import { ConnectionSums } from './sums.ts';

/** Connections, and what they moved. */
export interface ConnectionFamilySums extends FamilySums {
  readonly connections: ConnectionSums;
}

export const connection: Family<ConnectionFamilySums> = {
  name: 'connection',
  records: [connectionDecoder],
  sums: createSums,
  events: (parts) => new ConnectionEvents(parts),
  exemplars: connectionExemplars,
};

function createSums({ context }: SumsParts): ConnectionFamilySums {
  const connections = new ConnectionSums(context);
  const series = {
    map: 'series',
    isReadOften: true,
    update: connections.update.bind(connections),
  };
  return { connections, maps: [series], setGauges: (pass) => connections.setGauges(pass) };
}
