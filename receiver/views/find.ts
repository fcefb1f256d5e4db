import type { View } from './view.ts';

/** Each view by its command, read when it is asked for: who asks for one waits for no other. */
const READERS: ReadonlyMap<string, () => Promise<View>> = new Map<string, () => Promise<View>>([
  ['netpod', async () => (await import('./netpod.ts')).netpod],
  ['softirqs', async () => (await import('./softirqs.ts')).softirqs],
  ['solisten', async () => (await import('./solisten.ts')).solisten],
  ['tcpaccept', async () => (await import('./tcpaccept.ts')).tcpaccept],
  ['tcpconnect', async () => (await import('./tcpconnect.ts')).tcpconnect],
  ['tcpconnlat', async () => (await import('./tcpconnlat.ts')).tcpconnlat],
  ['tcpdrop', async () => (await import('./tcpdrop.ts')).tcpdrop],
  ['tcplife', async () => (await import('./tcplife.ts')).tcplife],
  ['tcpretrans', async () => (await import('./tcpretrans.ts')).tcpretrans],
  ['tcprtt', async () => (await import('./tcprtt.ts')).tcprtt],
  ['tcpstates', async () => (await import('./tcpstates.ts')).tcpstates],
  ['tcpsubnet', async () => (await import('./tcpsubnet.ts')).tcpsubnet],
  ['tcpsynbl', async () => (await import('./tcpsynbl.ts')).tcpsynbl],
  ['tcptop', async () => (await import('./tcptop.ts')).tcptop],
  ['tcptrace', async () => (await import('./tcptrace.ts')).tcptrace],
  ['tcptracer', async () => (await import('./tcptracer.ts')).tcptracer],
  ['top', async () => (await import('./top/top.ts')).top],
]);

/** Their commands. */
export const VIEW_NAMES: readonly string[] = [...READERS.keys()];

/** Undefined: there is no such view. */
export async function findView(name = ''): Promise<View | undefined> {
  return await READERS.get(name)?.();
}
