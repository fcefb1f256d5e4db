export { parseCidr } from './cidr.ts';
export type { AppConfig, FilterRule } from './app-config.ts';
export { dumpConfig } from './dump.ts';
export { ConfigError, type ConfigProblem } from './errors.ts';
export { configOf, loadConfig, readCheckedSettings, type LoadConfigOptions } from './load.ts';
export { flagProblem } from './flags.ts';
export { nearestHint } from './nearest.ts';
export { isLoopback, parseListenAddress } from './listen.ts';
export { SCHEMA } from './schema.ts';
