import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createSecretHider, originOf, secretsOfHeader, secretsOfUrl } from '../../../text/index.ts';

describe('the origin of an endpoint', () => {
  const origins: Readonly<Record<string, string | undefined>> = {
    'http://collector:4317': 'http://collector:4317',
    'https://user:word@collector:4318/v1/traces?api_key=word#word': 'https://collector:4318',
    'user:word@collector:4317': 'collector:4317',
    'collector:4317': 'collector:4317',
    'user:word@collector:80': 'collector:80',
    'http://collector:80': 'http://collector',
    'http://[::1]:4317/word': 'http://[::1]:4317',
    'ftp://user:word@collector': undefined,
    'http://user:word@': undefined,
    'word word': undefined,
    '': undefined,
  };
  for (const [endpoint, origin] of Object.entries(origins))
    it(`of "${endpoint}" is ${origin ?? 'not known'}`, () => assert.equal(originOf(endpoint), origin));
});

describe('a text that repeats secrets', () => {
  it('loses those of a URL, as they are written, decoded, and sent', () => {
    const hide = createSecretHider(
      secretsOfUrl('http://user%40x:pass%2Fword@host:4318/tenant-17/v1/traces?api_key=k3y-of-ours#frag-ment'),
    );
    const sent = Buffer.from('user@x:pass/word').toString('base64');
    for (const secret of [
      'user@x',
      'pass/word',
      'pass%2Fword',
      'tenant-17',
      'k3y-of-ours',
      'frag-ment',
      sent,
    ]) {
      assert.equal(hide(`no ${secret}!`), 'no [hidden]!', secret);
    }
    assert.equal(hide('host:4318 refuses traces'), 'host:4318 refuses traces');
  });

  it('loses those of headers, with their scheme and without', () => {
    const basic = Buffer.from('someone:hunter22').toString('base64');
    const hide = createSecretHider(['Bearer hunter2', `Basic ${basic}`].flatMap(secretsOfHeader));
    assert.equal(hide('invalid: hunter2'), 'invalid: [hidden]');
    assert.equal(hide(`Bearer hunter2, ${basic}`), '[hidden], [hidden]');
    assert.equal(hide('someone:hunter22'), '[hidden]:[hidden]');
  });

  it('keeps words that only look like very short ones', () =>
    assert.equal(createSecretHider(['a', '', 'xyz'])('a banana'), 'a banana'));
});
