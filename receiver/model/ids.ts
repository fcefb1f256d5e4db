/** How the agent tells processes, sockets and rows of kernel maps apart; each is the key of many maps here. */

/** A process: a pid is given out again, a pid with its start is not. `startNs`: CLOCK_BOOTTIME. */
export function processId({ pid, startNs }: { readonly pid: number; readonly startNs: bigint }): string {
  return `${String(pid)}:${String(startNs)}`;
}

/** A socket, by its network namespace and its cookie there. */
export function socketId({ netns, cookie }: { readonly netns: number; readonly cookie: bigint }): string {
  return `${String(netns)}:${String(cookie)}`;
}

/** A row of a kernel map, by its key. */
export function rowId(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}
