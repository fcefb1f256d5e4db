/** Recordings as files: who may read them, what is never written over, and what is left of a damaged one. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { RecordingError } from '../../../receiver/recording/error.ts';
import { RecordingReader } from '../../../receiver/recording/file-reader.ts';
import { RecordingWriter } from '../../../receiver/recording/file-writer.ts';
import { ENTRY, fileHeader } from '../../../receiver/recording/format.ts';
import { Player } from '../../../receiver/recording/player.ts';
import { imageOf, META, tempFolder, writeRecording } from './written.ts';

const folder = tempFolder();
after(() => folder.remove());
const pathOf = (name: string): string => join(folder.path, name);

/** Entries as text, and what is said of the rest. */
function readAll(path: string): { entries: string[]; problem: string | undefined; isEnded: boolean } {
  const reader = new RecordingReader(path);
  try {
    const entries = [...reader.entries()].map(
      ({ kind, body }) => `${kind} ${Buffer.from(body).toString('hex')}`,
    );
    return { entries, problem: reader.problem, isEnded: reader.end !== undefined };
  } finally {
    reader.close();
  }
}

/** Does all steps, and asks for what may be there. */
function playAll(path: string): void {
  const reader = new RecordingReader(path);
  try {
    const player = new Player(reader);
    while (player.step() !== undefined) {
      player.drainAll(() => undefined);
      player.rows('series');
      player.ask('pass');
      player.clocks();
    }
  } finally {
    reader.close();
  }
}

/** Small blocks, so that damage leaves something. */
function writeBlocks(path: string): void {
  const writer = new RecordingWriter(path, { isForced: true, maxBytes: 1e9 });
  writer.begin({ ...META, layouts: {} });
  for (let i = 0; i < 4; i += 1) {
    writer.add(ENTRY.step, Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, i]));
    writer.add(ENTRY.records, Buffer.from([1, 2, 3, 4, 5, 6, 7, 8, 9]));
    writer.add(ENTRY.answer, Buffer.from([4, 0]), Buffer.from('pass'), Buffer.from(String(i)));
    writer.flush();
  }
  writer.end({ reason: 'asked', seen: 4, lost: 0 });
}

const refused = (pattern: RegExp, exitCode: number) => (error: unknown) => {
  assert.ok(error instanceof RecordingError, String(error));
  assert.match(error.message, pattern);
  assert.equal(error.exitCode, exitCode);
  return true;
};

describe('a recording is made', () => {
  const open = (path: string, isForced = false) => new RecordingWriter(path, { isForced, maxBytes: 1e6 });

  it('for its owner alone, and not over what is there', () => {
    const path = pathOf('new');
    open(path).close();
    assert.equal(statSync(path).mode & 0o777, 0o600);
    writeFileSync(path, 'mine');
    assert.throws(() => open(path), refused(/new is there already: --force replaces it$/, 2));
    assert.equal(readFileSync(path, 'utf8'), 'mine');
    open(path, true).close();
    assert.equal(readFileSync(path, 'utf8'), '');
  });

  it('never through a symbolic link, nor in the place of what is no file', () => {
    const [target, link] = [pathOf('target'), pathOf('link')];
    writeFileSync(target, 'kept');
    symlinkSync(target, link);
    for (const isForced of [false, true])
      assert.throws(() => open(link, isForced), refused(/is there already/, 2));
    assert.equal(readFileSync(target, 'utf8'), 'kept');
    symlinkSync(pathOf('nothing'), pathOf('dangling'));
    assert.throws(
      () => open(pathOf('dangling'), true),
      refused(/it is no regular file, so it is not replaced$/, 2),
    );
    assert.equal(existsSync(pathOf('nothing')), false);
    mkdirSync(pathOf('folder'));
    assert.throws(() => open(pathOf('folder'), true), refused(/it is no regular file/, 2));
  });

  it('and says in a sentence that it cannot', () => {
    assert.throws(() => open(pathOf('no/folder/here')), refused(/cannot be made: ENOENT$/, 2));
    const full = new RecordingWriter(pathOf('full'), { isForced: false, maxBytes: 1e6 });
    full.close();
    assert.throws(() => full.begin(META), refused(/full cannot be written: EBADF$/, 1));
  });

  it('of no more bytes than asked for, with an end', () => {
    const path = pathOf('bounded');
    const writer = new RecordingWriter(path, { isForced: false, maxBytes: 20_000 });
    writer.begin({ ...META, layouts: {} });
    let seed = 1;
    for (let i = 0; i < 1000 && !writer.isFull; i += 1) {
      const body = Buffer.alloc(1000);
      for (let at = 0; at < body.length; at += 1) body[at] = (seed = (seed * 48_271) % 0x7fff_ffff) & 0xff;
      writer.add(ENTRY.records, body);
      writer.flush();
    }
    assert.ok(writer.isFull);
    writer.end({ reason: 'size', seen: 0, lost: 0 });
    const { entries, problem, isEnded } = readAll(path);
    assert.deepEqual([problem, isEnded], [undefined, true]);
    assert.ok(entries.length > 10 && statSync(path).size <= 20_000);
  });
});

describe('a file that is not a whole recording', () => {
  const whole = pathOf('whole');
  writeBlocks(whole);
  const bytes = readFileSync(whole);
  const all = readAll(whole);

  /** What is read is the beginning of the whole, and one sentence says that it is not all. */
  const check = (path: string, what: string): void => {
    try {
      const { entries, problem = '' } = readAll(path);
      assert.deepEqual(entries, all.entries.slice(0, entries.length), what);
      assert.match(problem, /^\S+ (is|has|goes) [^\n]*: what is before that is used$/, what);
      playAll(path);
    } catch (error) {
      assert.ok(error instanceof RecordingError, `${what}: ${String(error)}`);
      assert.match(error.message, /^\S+ is [^\n]+$/, what);
    }
  };

  it('is read up to where it was cut off, at every byte', () => {
    const path = pathOf('cut');
    assert.deepEqual([all.problem, all.isEnded, all.entries.length], [undefined, true, 12]);
    for (let length = 0; length < bytes.length; length += 1) {
      writeFileSync(path, bytes.subarray(0, length));
      check(path, `cut at ${length}`);
    }
  });

  it('is read up to the damage, whichever byte it is in', () => {
    const path = pathOf('flipped');
    for (let at = 0; at < bytes.length; at += 1)
      for (const flip of [0x01, 0x80, 0xff]) {
        const copy = Buffer.from(bytes);
        copy[at] = (copy[at] ?? 0) ^ flip;
        writeFileSync(path, copy);
        check(path, `byte ${at} changed by ${flip}`);
      }
  });

  it('keeps whole blocks when the last one is damaged', () => {
    const path = pathOf('last');
    writeFileSync(path, bytes.subarray(0, bytes.length - 70));
    assert.equal(readAll(path).entries.length >= 6, true);
    writeFileSync(path, Buffer.concat([bytes, Buffer.from('more')]));
    assert.match(readAll(path).problem ?? '', /goes on after its end, at byte \d+: /);
  });

  it('is refused when it is another kind of file, or newer', () => {
    const path = pathOf('other');
    const cases: [Buffer, RegExp][] = [
      [Buffer.alloc(0), /other is no recording of wirespan$/],
      [Buffer.from('a,b\n1,2\n'.repeat(100)), /other is no recording of wirespan$/],
      [
        fileHeader(2),
        /is a recording of version 2, and this wirespan reads up to version 1: use a newer one$/,
      ],
    ];
    for (const [content, pattern] of cases) {
      writeFileSync(path, content);
      assert.throws(() => new RecordingReader(path), refused(pattern, 2));
    }
    assert.throws(() => new RecordingReader(pathOf('absent')), refused(/cannot be read: ENOENT$/, 2));
    assert.throws(() => new RecordingReader(folder.path), refused(/is no file with a recording$/, 2));
    execFileSync('mkfifo', [pathOf('pipe')]);
    assert.throws(() => new RecordingReader(pathOf('pipe')), refused(/is no file with a recording$/, 2));
  });

  it('is not believed when its sums are right and its entries are not', () => {
    const path = pathOf('odd');
    const odd: [number, Buffer][] = [
      [99, Buffer.from('x')],
      [ENTRY.step, Buffer.from('x')],
      [ENTRY.clocks, Buffer.alloc(3)],
      [ENTRY.records, Buffer.alloc(0)],
      [ENTRY.rows, Buffer.from([1, 1, 120, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255])],
      [ENTRY.rows, Buffer.from([1, 1, 120, 1, 0, 255, 255, 255, 255, 255, 255, 255, 255])],
      [ENTRY.answer, Buffer.from([9, 9, 9])],
      [ENTRY.answer, Buffer.from([1, 0, 65, 123])],
    ];
    for (const [kind, body] of odd) {
      const writer = new RecordingWriter(path, { isForced: true, maxBytes: 1e6 });
      writer.begin({ ...META, layouts: {} });
      writer.add(ENTRY.step, Buffer.alloc(9));
      writer.add(kind, body);
      writer.end({ reason: 'asked', seen: 0, lost: 0 });
      const reader = new RecordingReader(path);
      const player = new Player(reader);
      while (player.step() !== undefined);
      reader.close();
      assert.match(
        reader.problem ?? '',
        /is damaged before byte \d+: what is before that is used$/,
        String(kind),
      );
    }
  });
});

describe('what was recorded', () => {
  it('is answered once more, in the order of then', () => {
    const path = pathOf('answers');
    const answers = ['one', 'two', 'two', undefined];
    const images = [imageOf({ 1: 10, 2: 20 }), imageOf({ 1: 11, 3: 30 }), imageOf({})];
    writeRecording(path, (recorder) => {
      recorder.step('start');
      for (const answer of answers.slice(0, 2)) recorder.ask('q', () => answer);
      recorder.rows('m', () => images[0] ?? imageOf({}));
      recorder.step('collect');
      recorder.drain(
        (handle) => (handle(Buffer.alloc(8, 7)), 8),
        () => undefined,
      );
      recorder.ask('q', () => answers[2]);
      recorder.rows('m', () => images[1] ?? imageOf({}));
      recorder.rows('m', () => images[2] ?? imageOf({}));
      recorder.step('stop');
      recorder.ask('q', () => answers[3]);
    });
    const reader = new RecordingReader(path);
    const player = new Player(reader);
    const rows = (): unknown => {
      const { count, keys, values } = player.rows('m');
      const numbers = (bytes: Uint8Array): number[] =>
        [...new BigUint64Array(bytes.buffer, bytes.byteOffset, count)].map(Number);
      return Object.fromEntries(numbers(keys).map((key, i) => [key, numbers(values)[i]]));
    };
    assert.equal(player.step()?.name, 'start');
    assert.deepEqual([player.ask('q'), player.ask('q'), player.ask('q')], ['one', 'two', 'two']);
    assert.deepEqual(rows(), { 1: 10, 2: 20 });
    assert.equal(player.step()?.name, 'collect');
    const drained: number[] = [];
    assert.equal(
      player.drain(
        () => 0,
        (bytes) => drained.push(...bytes),
      ),
      8,
    );
    assert.deepEqual(drained, Array<number>(8).fill(7));
    assert.equal(player.ask('q'), 'two');
    assert.deepEqual(rows(), { 1: 11, 3: 30 });
    // Nobody asked for the last reading: it is known all the same.
    assert.equal(player.step()?.name, 'stop');
    assert.deepEqual([rows(), player.ask('q'), player.ask('other')], [{}, undefined, undefined]);
    assert.equal(player.step(), undefined);
    assert.equal(reader.problem, undefined);
    reader.close();
  });
});
