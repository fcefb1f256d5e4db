import { integer } from '../format.ts';
import { ipOrAny, portList } from '../format-packets.ts';
import { setting, type SettingTree } from '../setting.ts';

/** Which packets are followed on their way, when the metric or the event of their stages is on. */
export const packetSettings: SettingTree = {
  packets: {
    sample: setting(
      integer(1, 2 ** 20),
      100,
      'Packets of one of so many connections are followed (`metrics.packet.stage.duration`, `events.packet.slow`), in both directions; 1: of all. Numbers are not scaled up.',
    ),
    ports: setting(
      portList,
      [],
      'Only packets from or to one of these ports are followed, four at most; empty: any.',
    ),
    address: setting(ipOrAny, 'any', 'Only packets from or to this address are followed.'),
  },
};
