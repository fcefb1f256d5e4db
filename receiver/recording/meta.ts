/** What is said once, at the beginning of a recording. */
export interface RecordingMeta {
  /** The version that recorded. */
  readonly wirespan: string;
  /** Unix milliseconds. */
  readonly startedMs: number;
  /** `uname -r` */
  readonly kernel: string;
  readonly bootId: string;
  /** Which end of a number comes first, and how wide it is: of the machine that recorded. */
  readonly architecture: string;
  /** Byte offsets of every struct and the numbers of every enum of bpf/contract/. */
  readonly layouts: Layouts;
  readonly probes: {
    readonly attached: readonly { readonly program: string; readonly probe: string }[];
    readonly missing: readonly { readonly probe: string; readonly why: string }[];
  };
  /** In CIDR notation, in the order that rows number them in. */
  readonly subnets: readonly string[];
  readonly areAddressesMasked: boolean;
  /** At each collection there is a record of each connection that moved something. Absent: there is none. */
  readonly hasLive?: boolean;
}

export type Layouts = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** What is said at the end. */
export interface RecordingEnd {
  /** Why it ended: `asked`, `time`, `size`. */
  readonly reason: string;
  /** Records that were seen: it has all of them, but where it ended for its size. */
  readonly seen: number;
  /** Records that the kernel had no room for. */
  readonly lost: number;
}
