import { kernelFunctionArity } from '../../../native/index.ts';
import { canLoad } from '../../support/kernel-abilities.ts';

/** The ways to meet a write; `skip`: why this kernel has none. */
export const WRITE_VARIANTS = [
  { name: 'the best program', refused: [], skip: false },
  {
    name: 'a kprobe',
    refused: ['ws_write_fentry'],
    skip: whyNoKprobe(),
  },
] as const;

function whyNoKprobe(): string | false {
  if (kernelFunctionArity('btf_trace_tcp_sendmsg_locked') !== undefined)
    return 'this kernel has a tracepoint';
  return canLoad('ws_write_kprobe') ? false : 'this kernel refuses ws_write_kprobe';
}
