import { PROBE_ID } from '../../decode/generated/layout.ts';
import type { Family } from '../family.ts';
import { dnsAnswerDecoder } from './decode.ts';

export interface DnsOptions {
  /** What name servers answer is told. */
  readonly dnsAnswers: boolean;
}

/** Answers of name servers, for views. No metric is made of them. */
export const dns: Family<DnsOptions> = {
  name: 'dns',
  options: ({ dnsAnswers = false }) => ({ dnsAnswers }),
  probes: [
    {
      name: 'dns_ingress',
      isWanted: ({ dnsAnswers }) => dnsAnswers,
      variants: () => [{ programs: ['ws_dns_answer'], words: 'cgroup_skb/ingress' }],
      advice: () => '; names of peers are not known. It needs CAP_NET_ADMIN and a mounted cgroup v2',
      isOfViews: true,
    },
  ],
  probeNames: { [PROBE_ID.PROBE_DNS]: 'dns_ingress' },
  records: [dnsAnswerDecoder],
};
