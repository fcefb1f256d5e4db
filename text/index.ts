export { FileError, readRegularFile, readTextFile } from './regular-file.ts';
export { originOf } from './origin.ts';
export { outsideText } from './outside.ts';
export { createSecretHider, secretsOfHeader, secretsOfUrl } from './secrets.ts';
