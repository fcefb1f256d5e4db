import { netpod } from './netpod.ts';
import { softirqs } from './softirqs.ts';
import { solisten } from './solisten.ts';
import { tcpaccept } from './tcpaccept.ts';
import { tcpconnect } from './tcpconnect.ts';
import { tcpconnlat } from './tcpconnlat.ts';
import { tcpdrop } from './tcpdrop.ts';
import { tcplife } from './tcplife.ts';
import { tcpretrans } from './tcpretrans.ts';
import { tcprtt } from './tcprtt.ts';
import { tcpstates } from './tcpstates.ts';
import { tcpsubnet } from './tcpsubnet.ts';
import { tcpsynbl } from './tcpsynbl.ts';
import { tcptop } from './tcptop.ts';
import { tcptrace } from './tcptrace.ts';
import { tcptracer } from './tcptracer.ts';
import { top } from './top/top.ts';
import type { View } from './view.ts';

/** Every view, by the alphabet. */
export const VIEWS: readonly View[] = [
  netpod,
  softirqs,
  solisten,
  tcpaccept,
  tcpconnect,
  tcpconnlat,
  tcpdrop,
  tcplife,
  tcpretrans,
  tcprtt,
  tcpstates,
  tcpsubnet,
  tcpsynbl,
  tcptop,
  tcptrace,
  tcptracer,
  top,
];
