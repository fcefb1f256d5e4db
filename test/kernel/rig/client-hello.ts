/** The first bytes of a TLS client (RFC 8446 section 4.1.2), with what it offers of application protocols (RFC 7301). */

interface HelloParts {
  /** Absent: no such extension. */
  readonly protocols?: readonly string[];
  /** Length of its key, which stands before the protocols. */
  readonly keyBytes?: number;
}

const [SERVER_NAME, ALPN, VERSIONS, KEY_SHARE] = [0, 16, 43, 51];

const sized = (bytes: number, content: Buffer): Buffer => {
  const length = Buffer.alloc(bytes);
  length.writeUIntBE(content.length, 0, bytes);
  return Buffer.concat([length, content]);
};
const extension = (type: number, content: Buffer): Buffer =>
  Buffer.concat([Buffer.from([type >> 8, type & 0xff]), sized(2, content)]);

/** As text in latin1, one record. */
export function clientHello({ protocols, keyBytes = 32 }: HelloParts): string {
  const names = protocols?.map((name) => sized(1, Buffer.from(name))) ?? [];
  const extensions = [
    extension(
      SERVER_NAME,
      sized(2, Buffer.concat([Buffer.from([0]), sized(2, Buffer.from('example.test'))])),
    ),
    extension(KEY_SHARE, Buffer.alloc(keyBytes, 7)),
    ...(protocols === undefined ? [] : [extension(ALPN, sized(2, Buffer.concat(names)))]),
    extension(VERSIONS, Buffer.from([2, 3, 4])),
  ];
  // The extension that is asked for may be the last one, too.
  if (protocols !== undefined) extensions.push(...extensions.splice(2, 1));
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32, 5),
    sized(1, Buffer.alloc(32, 6)),
    sized(2, Buffer.from([0x13, 0x01, 0x13, 0x02])),
    sized(1, Buffer.from([0])),
    sized(2, Buffer.concat(extensions)),
  ]);
  const message = Buffer.concat([Buffer.from([1]), sized(3, body)]);
  return Buffer.concat([Buffer.from([0x16, 3, 1]), sized(2, message)]).toString('latin1');
}
