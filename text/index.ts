export { MAX_OUTSIDE_CHARS, outsideText } from './outside.ts';
export { createSecretHider, secretsOfHeader, secretsOfUrl } from './secrets.ts';
