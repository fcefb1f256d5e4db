import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

const TOKEN_BYTES = 24;

/** What nobody guesses, fit for a path. */
export function newToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url');
}

/** Whether the first part of a path is the token; how long it takes says nothing of how much of it was right. */
export function hasToken(path: string, token: string): boolean {
  const [, given = ''] = path.split('/', 2);
  return timingSafeEqual(hashOf(given), hashOf(token));
}

/** It has one length, whatever was given. */
function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
