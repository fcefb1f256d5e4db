export { FileError, MAX_FILE_BYTES, readRegularFile, readTextFile } from './regular-file.ts';
export { originOf } from './origin.ts';
export { MAX_OUTSIDE_CHARS, outsideText } from './outside.ts';
export { createSecretHider, secretsOfHeader, secretsOfUrl } from './secrets.ts';
