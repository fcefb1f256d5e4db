/** Models of `wirespan ui` from records, and what its pages hold. */
import type { ListenerFigures } from '../../../receiver/model/listener-figures.ts';
import type { ConnectionRecord, KernelRecord } from '../../../receiver/model/record.ts';
import { UiModel } from '../../../receiver/ui/model.ts';
import type { UiSource } from '../../../receiver/ui/source.ts';
import { connection, owner, second } from '../../support/correlation.ts';

/** What a process may call itself. */
export const HOSTILE = '</bdi><script>alert(1)</script><img src=x onerror=alert(1)>"\'&';

export const live = (pid: number, sent: number, more: Partial<ConnectionRecord> = {}): ConnectionRecord =>
  connection({
    ...{ kind: 'live', state: 'established', segmentsRetransmitted: 0 },
    ...{ bytesSent: BigInt(sent), bytesReceived: 0n, cookie: BigInt(pid) },
    ...{ owner: { ...owner, pid, command: `app-${pid}` }, ...more },
  });

export function modelOf(
  kind: UiSource['kind'],
  records: readonly KernelRecord[],
  listeners: readonly ListenerFigures[] = [],
): UiModel {
  const model = new UiModel(
    { kind, hasLive: kind !== 'recording', words: 'records of a test' },
    {
      names: { dropReason: () => '', resetReason: () => undefined, functionAt: () => undefined },
      ...{ toUnixNs: (ns: bigint) => ns, maxRemembered: 65_536, isTerminal: false, loads: () => [] },
    },
  );
  for (const record of records) model.take(record);
  model.end(101n * second, listeners);
  return model;
}

/** Texts of the cells of each row of a table, without its head. */
export function rowsOf(html: string, id: string): string[][] {
  const [, table = ''] = new RegExp(`<table id="${id}">([^]*?)</table>`).exec(html) ?? [];
  const [, body = ''] = /<tbody>([^]*?)<\/tbody>/.exec(table) ?? [];
  return body
    .split('</tr>')
    .slice(0, -1)
    .map((row) =>
      row
        .split(/<\/t[hd]>/)
        .slice(0, -1)
        .map((cell) => cell.replace(/<[^>]*>/g, '')),
    );
}
