import { closeSync, openSync, readSync } from 'node:fs';

const HEAD_BYTES = 4096;

/** Whether the kernel shows this process the addresses of its symbols. `symbols`: usually `/proc/kallsyms`. */
export function showsAddresses(symbols: string): boolean {
  let file: number | undefined;
  try {
    file = openSync(symbols, 'r');
    const head = Buffer.alloc(HEAD_BYTES);
    const length = readSync(file, head);
    // The first symbols can be at address 0; hidden, all of them are.
    return /^0*[1-9a-f]/m.test(head.toString('latin1', 0, length));
  } catch {
    return false;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
