import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as http2 from 'node:http2';
import { createServer, type AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { HpackDecoder, HpackError } from '../../../receiver/correlate/hpack.ts';

const bytes = (hex: string): Uint8Array => Buffer.from(hex.replaceAll(' ', ''), 'hex');

/** RFC 7541 appendix C: blocks of one connection, with the fields and the table size that they must come to. */
const VECTORS: Readonly<
  Record<
    string,
    { blocks: readonly string[]; fields: readonly (readonly string[])[]; sizes: readonly number[] }
  >
> = {
  'C.2.1': {
    blocks: ['400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572'],
    fields: [['custom-key', 'custom-header']],
    sizes: [55],
  },
  'C.2.2': {
    blocks: ['040c 2f73 616d 706c 652f 7061 7468'],
    fields: [[':path', '/sample/path']],
    sizes: [0],
  },
  'C.2.3': {
    blocks: ['1008 7061 7373 776f 7264 0673 6563 7265 74'],
    fields: [['password', 'secret']],
    sizes: [0],
  },
  'C.2.4': { blocks: ['82'], fields: [[':method', 'GET']], sizes: [0] },
  'C.3': {
    blocks: [
      '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
      '8286 84be 5808 6e6f 2d63 6163 6865',
      '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
    ],
    fields: [
      [':authority', 'www.example.com', 'www.example.com', 'www.example.com'],
      ['cache-control', 'no-cache'],
      ['custom-key', 'custom-value'],
      [':scheme', 'http', 'http', 'https'],
    ],
    sizes: [57, 110, 164],
  },
  'C.4': {
    blocks: [
      '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
      '8286 84be 5886 a8eb 1064 9cbf',
      '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
    ],
    fields: [
      [':authority', 'www.example.com', 'www.example.com', 'www.example.com'],
      ['cache-control', 'no-cache'],
      ['custom-key', 'custom-value'],
    ],
    sizes: [57, 110, 164],
  },
};

/** RFC 7541 C.6 has a table of 256 octets, which evicts. */
const RESPONSES = [
  '3fe1 01 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
  '4883 640e ffc1 c0bf',
  '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
];

describe('HPACK', () => {
  for (const [name, { blocks, fields, sizes }] of Object.entries(VECTORS))
    it(`decodes the vectors of ${name}`, () => {
      for (const [field = '', ...values] of fields) {
        const decoder = new HpackDecoder(field, 4_096);
        const found = blocks.map((block) => ({
          values: decoder.decode(bytes(block)),
          size: decoder.tableBytes,
        }));
        assert.deepEqual(
          found.flatMap((each) => each.values),
          values,
        );
        assert.deepEqual(
          found.map(({ size }) => size),
          sizes,
        );
      }
    });

  it('decodes the vectors of C.6, whose table evicts', () => {
    const expected = {
      ':status': ['302', '307', '200'],
      'cache-control': ['private', 'private', 'private'],
      location: ['https://www.example.com', 'https://www.example.com', 'https://www.example.com'],
      'set-cookie': ['foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'],
    };
    for (const [field, values] of Object.entries(expected)) {
      const decoder = new HpackDecoder(field, 4_096);
      const found = RESPONSES.map((block) => ({
        values: decoder.decode(bytes(block)),
        size: decoder.tableBytes,
      }));
      assert.deepEqual(
        found.flatMap((each) => each.values),
        values,
      );
      assert.deepEqual(
        found.map(({ size }) => size),
        [222, 222, 215],
      );
    }
  });

  const broken: Readonly<Record<string, string>> = {
    'index 0': '80',
    'an index beyond the table': 'be',
    'a name beyond the table': '7e 01 61',
    'a number without an end': 'ff ff ff ff ff ff ff ff',
    'a number that is cut': 'ff 80',
    'a string that is cut': '40 0a 63',
    'an empty name': '40 00 01 61',
    'a change of size behind a field': '82 20',
    'a table above the bound': '3f e2 1f',
    'padding of a whole octet': '40 81 1f 82 1f ff',
    'padding that is no ones': '40 81 1f 81 18',
    'the end of a string in it': '40 01 61 84 ff ff ff ff',
  };
  for (const [name, block] of Object.entries(broken))
    it(`refuses ${name}`, () => {
      assert.throws(() => new HpackDecoder('traceparent', 4_096).decode(bytes(block)), HpackError);
    });

  it('takes a change of size up to the bound, and empties the table for one of 0', () => {
    const decoder = new HpackDecoder('custom-key', 4_096);
    decoder.decode(bytes('3fe11f 400a 6375 7374 6f6d 2d6b 6579 0161'));
    assert.equal(decoder.tableBytes, 43);
    assert.deepEqual(decoder.decode(bytes('be')), ['a']);
    assert.deepEqual(decoder.decode(bytes('20')), []);
    assert.equal(decoder.tableBytes, 0);
    assert.throws(() => decoder.decode(bytes('be')), HpackError);
  });

  it('keeps no entry that is larger than the table', () => {
    const decoder = new HpackDecoder('custom-key', 4_096);
    decoder.decode(bytes('3f09 400a 6375 7374 6f6d 2d6b 6579 0161'));
    assert.equal(decoder.tableBytes, 0);
  });

  it('decodes what node:http2 sends, of every octet that a field may have', async () => {
    const raw = await sent(40);
    const decoder = new HpackDecoder('x-octets', 4_096);
    const values = raw.map((block) => decoder.decode(block));
    assert.deepEqual(
      values,
      Array.from({ length: 40 }, (_, i) => [octets(i)]),
    );
  });
});

/** Other octets in each request; the third of three is the same as the one before. */
function octets(i: number): string {
  const at = i - (i % 3 === 2 ? 1 : 0);
  return Array.from({ length: 40 }, (_, j) => String.fromCharCode(0x21 + ((at * 7 + j * 5) % 94))).join('');
}

/** The header blocks of so many requests of a real client. */
async function sent(count: number): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  const server = createServer((socket) => socket.on('data', (chunk) => chunks.push(chunk)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const session = http2.connect(`http://127.0.0.1:${String((server.address() as AddressInfo).port)}`);
  session.on('error', () => undefined);
  for (let i = 0; i < count; i += 1) {
    const stream = session.request({ ':path': `/${String(i)}`, 'x-octets': octets(i), cookie: 'a=b' });
    stream.on('error', () => undefined);
  }
  let blocks: Buffer[] = [];
  while (blocks.length < count) {
    await new Promise((resolve) => setImmediate(resolve));
    blocks = blocksOf(Buffer.concat(chunks));
  }
  session.destroy();
  server.close();
  return blocks;
}

function blocksOf(raw: Buffer): Buffer[] {
  const blocks: Buffer[] = [];
  for (let at = 24; at + 9 <= raw.length;) {
    const length = raw.readUIntBE(at, 3);
    const [type, flags] = [raw[at + 3] ?? 0, raw[at + 4] ?? 0];
    const end = at + 9 + length;
    if (type === 1 && end <= raw.length)
      blocks.push(raw.subarray(at + 9 + ((flags & 0x20) === 0 ? 0 : 5), end));
    at = end;
  }
  return blocks;
}
