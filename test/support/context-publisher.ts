/** A process that publishes a context in its memory, as OTEP 4719 says or in ways that it does not allow. */
import { AskedProgram } from './asked-program.ts';
import type { Cleanup } from './cleanup.ts';

const PROGRAM = `
import ctypes, mmap, os, socket, struct, sys
kept = []
for line in sys.stdin:
    if line.startswith("connect "):
        socket.create_connection(("127.0.0.1", int(line.split()[1]))).close()
        print("connected", flush=True)
        continue
    name, version, time, cut, place, again, payload = line.split()
    payload = bytes.fromhex(payload)
    if place == "file":
        fd = os.open("/proc/self/exe", os.O_RDONLY)
        held = mmap.mmap(fd, 4096, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE)
        held[: len(payload)] = payload
    elif place == "elsewhere":
        held = mmap.mmap(-1, 65536, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        held[: len(payload)] = payload
    if again == "0":
        fd = os.memfd_create(name)
        os.ftruncate(fd, 65536)
        mapping = mmap.mmap(fd, 65536)
        os.close(fd)
        kept.append(mapping)
    start = ctypes.addressof(ctypes.c_char.from_buffer(mapping))
    address = start + 32
    mapping[32 : 32 + len(payload)] = payload
    if place in ("file", "elsewhere"):
        address = ctypes.addressof(ctypes.c_char.from_buffer(held))
    if place == "nowhere":
        address = 4096
    mapping[8:32] = struct.pack("<IIQQ", int(version), len(payload) - int(cut), int(time), address)
    mapping[0:8] = b"OTEL_CTX"
    print("published", flush=True)
`;

export interface Publication {
  readonly payload: Buffer;
  /** The mapping is called so; default `OTEL_CTX`. */
  readonly name?: string;
  /** Default 2. */
  readonly version?: number;
  /** Default 1; 0: it is being written. */
  readonly time?: number;
  /** Bytes of the payload that the header leaves out. */
  readonly cut?: number;
  /** Changes what was published before. */
  readonly again?: boolean;
  /** Where the payload lies; default `behind` the header. `file`: in a copy of a file's page. */
  readonly place?: 'behind' | 'elsewhere' | 'file' | 'nowhere';
}

export class ContextPublisher {
  readonly #program: AskedProgram;

  /** `launcher`: a command to start it with, which must become the program. */
  constructor(
    cleanup: Cleanup,
    environment: Readonly<Record<string, string>> = {},
    launcher: readonly string[] = [],
  ) {
    const [command = 'python3', ...args] = [...launcher, 'python3', '-c', PROGRAM];
    this.#program = new AskedProgram([command, ...args], environment);
    cleanup.add(() => this.stop());
  }

  get pid(): number {
    return this.#program.pid;
  }

  async publish({ payload, name, version, time, cut, place, again = false }: Publication): Promise<void> {
    const words = [
      name ?? 'OTEL_CTX',
      version ?? 2,
      time ?? 1,
      cut ?? 0,
      place ?? 'behind',
      Number(again),
      payload.toString('hex'),
    ];
    await this.#program.ask(words.join(' '), 'published');
  }

  /** Opens a connection on loopback and closes it. */
  async connect(port: number): Promise<void> {
    await this.#program.ask(`connect ${String(port)}`, 'connected');
  }

  async stop(): Promise<void> {
    await this.#program.stop();
  }
}

const field = (number: number, content: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from([number * 8 + 2, (content.length & 0x7f) | 0x80, content.length >> 7]),
    content,
  ]);
const text = (number: number, content: string): Buffer => field(number, Buffer.from(content));

/** A `ProcessContext` with these resource attributes, and something of its own that is none. */
export function contextPayload(attributes: Readonly<Record<string, string>>): Buffer {
  const pairs = Object.entries(attributes).map(([key, value]) =>
    field(1, Buffer.concat([text(1, key), field(2, text(1, value))])),
  );
  const threadlocal = Buffer.concat([text(1, 'threadlocal.schema_version'), field(2, text(1, 'v1'))]);
  return Buffer.concat([field(1, Buffer.concat(pairs)), field(2, threadlocal)]);
}
