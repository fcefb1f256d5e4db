import { BpfSession, kernelEnum, releaseKernelTypes } from '../../native/index.ts';
import type { KernelNames } from '../model/record.ts';
import { configure } from './kernel-config.ts';
import { codeOf, kernelNames } from './kernel-names.ts';
import type { KernelOptions } from './kernel-options.ts';
import type { Plan } from './plan.ts';

/** Programs that the kernel reads meanwhile. */
export interface BegunLoad {
  readonly session: BpfSession;
  readonly names: KernelNames;
}

/** @throws NativeError when the maps cannot be made */
export function beginLoad(plan: Plan, options: KernelOptions, object: string): BegunLoad {
  const dropReasons = kernelEnum('skb_drop_reason');
  const names = kernelNames(dropReasons, kernelEnum('sk_rst_reason'));
  const statistics = kernelEnum('LINUX_MIB_NUM');
  releaseKernelTypes();
  const session = BpfSession.open(object);
  try {
    configure(session, plan, options, { dropReasons, statistics, codeOf });
    session.beginLoad(options.loadParts);
    return { session, names };
  } catch (error) {
    session.close();
    throw error;
  }
}
