/** Which packages the hook lays hands on, and what of that an application can feel. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { Cleanup } from '../../support/cleanup.ts';
import { part } from './parts.ts';

const [{ onPackage }, { wrapMethod }] = await Promise.all([part('modules'), part('wrap')]);

describe('packages that the application loads', () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());
  const met: { readonly value: string }[] = [];
  const meet = (exports: { readonly value: string }): void => void met.push(exports);
  onPackage({ name: 'client-of', main: 'lib/main.js', majors: [2, 3] }, meet);
  onPackage({ name: 'client-of', main: 'lib/main.js', part: './part', majors: [2, 3] }, meet);
  onPackage({ name: 'client-of', main: 'lib/main.js', majors: [2, 3] }, () => {
    throw new Error('broken');
  });

  interface Package {
    readonly name: string;
    readonly folder: string;
    readonly by: string;
    readonly main: string;
  }
  const usual: Package = { name: 'client-of', folder: 'client-of', by: 'client-of', main: 'lib/main.js' };

  /** What is met when a program requires it from beside its folder. */
  function load(version: string, changes: Partial<Package> = {}): string[] {
    const { name, folder, by, main } = { ...usual, ...changes };
    const modules = join(cleanup.makeFolder(), 'node_modules');
    mkdirSync(join(modules, folder, 'lib'), { recursive: true });
    const file = (path: string, text: string): void => writeFileSync(join(modules, folder, path), text);
    file('package.json', JSON.stringify({ name, version, main }));
    file(main, 'exports.value = "main"; require("./part");');
    file('lib/part.js', 'exports.value = "part";');
    const id = JSON.stringify(by === 'the file' ? join(modules, folder, main) : by);
    writeFileSync(join(modules, 'app.js'), `require(${id}); require(${id});`);
    met.length = 0;
    createRequire(join(modules, 'x.js'))('./app.js');
    return met.map(({ value }) => value);
  }

  test('are met once, the part before the whole, in versions that are known', () => {
    assert.deepEqual(load('2.0.1'), ['part', 'main']);
    assert.deepEqual(load('3.9.0-beta.1'), ['part', 'main']);
  });

  test('are met by their file, as an import of them is', () => {
    assert.deepEqual(load('2.0.0', { by: 'the file' }), ['part', 'main']);
  });

  test('are not met in another version, under another name, or with other files', () => {
    assert.deepEqual(load('4.0.0'), []);
    assert.deepEqual(load('1.2.3'), []);
    assert.deepEqual(load('2.0.0', { name: 'other', folder: 'other', by: 'other' }), []);
    assert.deepEqual(load('2.0.0', { name: 'other' }), []);
    assert.deepEqual(load('2.0.0', { main: 'lib/more.js' }), []);
  });
});

describe('a method that the hook is around', () => {
  class Client {
    readonly calls: unknown[][] = [];
    send(...args: unknown[]): unknown {
      this.calls.push(args);
      if (args[0] === 'fail') throw new Error('its own');
      return `sent ${String(args[0])}`;
    }
  }

  test('is called once with what it was given, and answers as ever', () => {
    const told: unknown[] = [];
    class Own extends Client {}
    Object.defineProperty(Own.prototype, 'send', { value: Client.prototype.send, configurable: true });
    wrapMethod(Own.prototype, 'send', (self, args) => {
      told.push(self, ...args);
      return (result) => told.push(result);
    });
    wrapMethod(Own.prototype, 'send', () => void told.push('a second time'));
    const client = new Own();
    assert.equal(client.send('a', 'b'), 'sent a');
    assert.deepEqual([client.calls, told], [[['a', 'b']], [client, 'a', 'b', 'sent a']]);
    assert.throws(() => client.send('fail'), /its own/);
    assert.deepEqual(told.slice(4), [client, 'fail', undefined]);
    assert.deepEqual([client.send.name, client.send.length], ['send', 0]);
  });

  test('throws nothing of the hook’s', () => {
    for (const enter of [
      () => {
        throw new Error('before');
      },
      () => () => {
        throw new Error('after');
      },
    ]) {
      class Own extends Client {}
      Object.defineProperty(Own.prototype, 'send', { value: Client.prototype.send, configurable: true });
      wrapMethod(Own.prototype, 'send', enter);
      const client = new Own();
      assert.equal(client.send('a'), 'sent a');
      assert.equal(client.calls.length, 1);
    }
  });

  test('is left alone when an instrumentation has wrapped it, when it is none, or when it cannot be changed', () => {
    const method = Object.assign((): string => 'theirs', { __wrapped: true });
    const fixed = Object.defineProperty({}, 'send', { value: method.bind(null) });
    const [theirs, getter] = [
      { send: method },
      {
        get send(): unknown {
          return 7;
        },
      },
    ];
    for (const target of [theirs, fixed, getter, {}, Object.create(Client.prototype) as object]) {
      const before = Object.getOwnPropertyDescriptor(target, 'send');
      wrapMethod(target, 'send', () => undefined);
      assert.deepEqual(Object.getOwnPropertyDescriptor(target, 'send'), before);
    }
    wrapMethod(undefined as unknown as object, 'send', () => undefined);
  });
});
