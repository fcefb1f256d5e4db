import { PROBE_ID } from '../../decode/generated/layout.ts';
import type { Family } from '../family.ts';
import { isAttached, type Wanted } from '../kernel.ts';
import { http2Decoder } from './decode.ts';

/** AHEAD_PLACES of bpf/http2_ahead.bpf.h: 2.2 MB. */
const MAX_AHEAD = 128;

export interface Http2Options {
  /** Trace context of HTTP/2 requests. */
  readonly http2: boolean;
}

/** What both ends write over HTTP/2: which stream has which bytes, and the header blocks with their contexts. */
export const http2: Family<Http2Options> = {
  name: 'http2',
  options: ({ http2 }: Wanted) => ({ http2 }),
  probes: [
    {
      name: 'http2_write',
      isWanted: (options) => options.http2,
      variants: () => [
        { programs: ['ws_http2'], tracepoint: 'tcp_sendmsg_locked' },
        { programs: ['ws_http2_fentry'], words: 'fentry' },
      ],
      advice: () => '; what HTTP/2 requests and their answers lose is on no trace by their headers',
    },
    {
      name: 'http2_ingress',
      isWanted: (options) => options.http2,
      variants: () => [{ programs: ['ws_http2_arrive'], words: 'cgroup_skb/ingress' }],
      needs: ['ws_http2', 'ws_http2_fentry'],
      advice: () =>
        ': what the answers of local HTTP/2 servers lose is on no trace. It needs CAP_NET_ADMIN and a mounted cgroup v2',
    },
  ],
  kernelMaps: [{ name: 'aheads', entries: ({ http2 }) => (http2 ? MAX_AHEAD : undefined) }],
  variables: (_options, chosen) => ({ cfg_http2: isAttached(chosen, 'ws_http2', 'ws_http2_fentry') }),
  probeNames: { [PROBE_ID.PROBE_HTTP2]: 'http2_write', [PROBE_ID.PROBE_HTTP2_ARRIVE]: 'http2_ingress' },
  records: [http2Decoder],
};
