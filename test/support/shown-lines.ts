/** A view in the test's own process: what it prints of the bytes that it is given. */
import assert from 'node:assert/strict';
import { monotonicToRealtime } from '../../native/index.ts';
import { ViewLines } from '../../receiver/agent/view-lines.ts';
import { Output } from '../../receiver/cli/output.ts';
import { OwnerTable } from '../../receiver/decode/owners.ts';
import { createClock } from '../../receiver/model/clock.ts';
import type { Kernel } from '../../receiver/source/kernel.ts';
import { optionsOf } from '../../receiver/views/help.ts';
import { VIEWS } from '../../receiver/views/index.ts';
import { parseViewArguments } from '../../receiver/views/options.ts';

export interface ShownLines {
  /** Records as they come out of the ring. */
  take(bytes: Uint8Array): void;
  /** All that it printed, up to its end. */
  end(): Promise<string>;
}

/** Without options; `kernel` is asked for names and processes. */
export function shownLines(name: string, kernel: Kernel): ShownLines {
  const view = VIEWS.find((each) => each.name === name);
  assert.ok(view !== undefined, name);
  let text = '';
  const output = new Output({
    holdsThread: false,
    write: (bytes, taken) => {
      text += Buffer.from(bytes).toString();
      taken(undefined, bytes.length);
    },
  });
  const clock = createClock(monotonicToRealtime);
  const lines = new ViewLines({
    view,
    args: parseViewArguments(name, optionsOf(view), []),
    tools: {
      names: kernel.names,
      toUnixNs: (ns) => clock.toUnixNs(ns),
      maxRemembered: 4096,
      isTerminal: false,
      loads: () => [],
    },
    owners: new OwnerTable(4096, (key, value) => kernel.lookup('owners', key, value)),
    outputs: {
      stdout: output,
      stderr: output,
      isTerminal: { stdout: false, stderr: false },
      isKept: true,
      isWatched: false,
    },
  });
  lines.header();
  return {
    take: (bytes) => {
      lines.records(bytes);
      lines.flush();
    },
    end: async () => {
      await lines.end();
      return text;
    },
  };
}
