import type { Owner } from './resource.ts';

/** Listening sockets of one process at one address and port, as a pass met them. */
export interface ListenerFigures {
  /** Tells rows apart. */
  readonly id: string;
  readonly owner: Owner;
  readonly family: 4 | 6;
  readonly address: string;
  readonly port: number;
  /** Inode number. */
  readonly netns: number;
  /** Sockets: more than one with SO_REUSEPORT. */
  readonly sockets: number;
  /** Connections that wait for accept(), and how many may. */
  readonly queued: number;
  readonly limit: number;
  /** SYNs and connections that were refused since the row began. */
  readonly drops: number;
}
