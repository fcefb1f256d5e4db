import { readFileSync, readlinkSync } from 'node:fs';

/** What one network namespace has counted since it exists: `TcpExt` of `/proc/<pid>/net/netstat`. */
export interface ListenCounters {
  /** `ListenOverflows`: refused because the accept queue was full. */
  readonly acceptOverflows: number;
  /** `TCPReqQFullDoCookies`: the SYN queue was full, a SYN cookie was sent. */
  readonly cookies: number;
  /** `TCPReqQFullDrop`: the SYN queue was full, the SYN was dropped. */
  readonly synDrops: number;
}

/** The counters of a namespace, through a process in it; undefined when that process is not (or no more) there. */
export function readListenCounters(pid: number, netns: number, root = '/proc'): ListenCounters | undefined {
  const folder = `${root}/${String(pid)}`;
  try {
    if (readlinkSync(`${folder}/ns/net`) !== `net:[${String(netns)}]`) return undefined;
    const fields = tcpExtensions(readFileSync(`${folder}/net/netstat`, 'latin1'));
    // The pid may have been given out again, to a process elsewhere.
    if (readlinkSync(`${folder}/ns/net`) !== `net:[${String(netns)}]`) return undefined;
    return {
      acceptOverflows: fields.get('ListenOverflows') ?? 0,
      cookies: fields.get('TCPReqQFullDoCookies') ?? 0,
      synDrops: fields.get('TCPReqQFullDrop') ?? 0,
    };
  } catch {
    return undefined;
  }
}

/** A line of names and one of numbers. */
function tcpExtensions(text: string): Map<string, number> {
  const [names = [], numbers = []] = text
    .split('\n')
    .filter((line) => line.startsWith('TcpExt:'))
    .map((line) => line.split(' '));
  return new Map(names.map((name, i) => [name, Number(numbers[i])]));
}
