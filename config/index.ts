export type { AppConfig, FilterRule } from './app-config.ts';
export { dumpConfig } from './dump.ts';
export { ConfigError } from './errors.ts';
export { configOf, loadConfig, readCheckedSettings } from './load.ts';
export { nearest } from './nearest.ts';
export { SCHEMA } from './schema.ts';
