import { dumpConfig, loadConfig, type LoadConfigOptions } from '../../config/index.ts';
import { renderEndpoints } from '../export/endpoint-report.ts';
import { warningsOf } from '../settings/warnings.ts';
import { memoryBound, renderMemoryBound } from './memory-bound.ts';

/**
 * The settings in force as a file that could be loaded again, with where data goes, what is doubtful, and how much
 * memory it can come to.
 * @throws ConfigError, EndpointError for settings that cannot be used
 */
export function renderCheckedConfig(sources: LoadConfigOptions): string {
  const config = loadConfig(sources);
  const warnings = warningsOf(config).map((warning) => `# Warning: ${warning}\n`);
  const endpoints = renderEndpoints(config.otlp, process.env) + warnings.join('');
  return dumpConfig(sources) + endpoints + renderMemoryBound(memoryBound(config));
}
