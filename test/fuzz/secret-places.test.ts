import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SECRET } from './oracles.ts';
import { isInEndpoint, isInFile, isInHeaders, isInUser } from './secret-places.ts';

/** By place: texts in which the secret may not be shown, and texts in which it may. */
const cases: Readonly<Record<string, [(text: string) => boolean, hidden: string[], shown: string[]]>> = {
  'an endpoint': [
    isInEndpoint,
    [`http://u:${SECRET}@c:4317`, `https://c/v1?key=${SECRET}`, `${SECRET}@c:4317`, `http://[${SECRET}`],
    [`http://${SECRET}:4317`, `${SECRET}.example:4317`],
  ],
  headers: [
    isInHeaders,
    [`a=${SECRET},b=2`, `b=2, a=x${SECRET}`],
    [`${SECRET}=1`, `a=1,%68${SECRET.slice(1)}=2`],
  ],
  'another setting': [
    isInUser,
    [`http://u:${SECRET}@c:4317`, `http://${SECRET}@c`],
    [SECRET, `http://${SECRET}:4317`, `http://c/${SECRET}`, `http://u:${SECRET}@c, x`],
  ],
  'a file': [
    isInFile,
    [
      `otlp:\n  headers:\n    key: ${SECRET}\n`,
      `otlp:\n  endpoint: http://u:${SECRET}@c:4317\n`,
      `log: # ${SECRET}\n  level: debug\n`,
      `log: [${SECRET}`,
    ],
    [`log:\n  level: ${SECRET}\n`, `${SECRET}: 1\n`, `otlp:\n  headers:\n    ${SECRET}: 1\n`],
  ],
};

for (const [name, [isIn, hidden, shown]] of Object.entries(cases)) {
  test(`${name}: where the secret may not be shown is told from where it may`, () => {
    for (const text of hidden) assert.ok(isIn(text), `${text} is shown`);
    for (const text of shown) assert.ok(!isIn(text), `${text} is hidden`);
  });
}
