import type { TraceContext } from '../model.ts';
import type { RetransmitRecord } from '../record.ts';

/** Retransmissions of the bytes of one request, close together in time. */
export interface Episode {
  /** The first retransmission: its socket, owner and type stand for the episode. */
  readonly first: RetransmitRecord;
  readonly parent: TraceContext;
  lastNs: bigint;
  segments: number;
}

/** Groups retransmissions into episodes; every episode given in comes out exactly once. */
export interface RetransmitEpisodes {
  add(record: RetransmitRecord, parent: TraceContext): void;
  /** Ends those without a retransmission in the last second. */
  expire(nowNs: bigint): void;
  /** Ends those of a socket. */
  endSocket(netns: number, cookie: bigint): void;
  endAll(): void;
  /** Episodes ended early because there were too many at once. */
  readonly cutShort: number;
}

const quietNs = 1_000_000_000n;

/** Holds at most `maxEpisodes`; one more ends the quietest. `onEnd` gets each once. */
export function createRetransmitEpisodes(
  maxEpisodes: number,
  onEnd: (episode: Episode) => void,
): RetransmitEpisodes {
  /** Quietest first: an episode moves to the end with each retransmission. */
  const episodes = new Map<string, Episode>();
  const bySocket = new Map<string, Set<string>>();
  let cutShort = 0;

  const end = (key: string, episode: Episode): void => {
    episodes.delete(key);
    const socket = socketKey(episode.first.netns, episode.first.cookie);
    const keys = bySocket.get(socket);
    keys?.delete(key);
    if (keys?.size === 0) bySocket.delete(socket);
    onEnd(episode);
  };

  const begin = (key: string, record: RetransmitRecord, parent: TraceContext): void => {
    if (episodes.size >= maxEpisodes) {
      const [quietest] = episodes;
      if (quietest !== undefined) end(...quietest);
      cutShort += 1;
    }
    episodes.set(key, { first: record, parent, lastNs: record.timeNs, segments: record.segments });
    const socket = socketKey(record.netns, record.cookie);
    const keys = bySocket.get(socket);
    if (keys === undefined) bySocket.set(socket, new Set([key]));
    else keys.add(key);
  };

  return {
    add(record, parent) {
      const key = episodeKey(record, parent);
      const known = episodes.get(key);
      if (known !== undefined && record.timeNs - known.lastNs < quietNs) {
        episodes.delete(key);
        episodes.set(key, known);
        if (record.timeNs > known.lastNs) known.lastNs = record.timeNs;
        known.segments += record.segments;
        return;
      }
      if (known !== undefined) end(key, known);
      begin(key, record, parent);
    },
    expire(nowNs) {
      for (const [key, episode] of episodes) {
        if (nowNs - episode.lastNs < quietNs) return;
        end(key, episode);
      }
    },
    endSocket(netns, cookie) {
      if (episodes.size === 0) return;
      for (const key of bySocket.get(socketKey(netns, cookie)) ?? []) {
        const episode = episodes.get(key);
        if (episode !== undefined) end(key, episode);
      }
    },
    endAll() {
      for (const [key, episode] of episodes) end(key, episode);
    },
    get cutShort() {
      return cutShort;
    },
  };
}

function socketKey(netns: number, cookie: bigint): string {
  return `${netns}:${cookie}`;
}

/** Two requests of one span on one socket (a retry) are two episodes. */
function episodeKey(record: RetransmitRecord, parent: TraceContext): string {
  const start = record.context?.startSeq ?? 0;
  return `${socketKey(record.netns, record.cookie)}:${parent.traceId}:${parent.spanId}:${start}`;
}
