import { SCHEMA } from './schema.ts';
import type { Setting } from './setting.ts';

const WIDTH = 100;

const INTRODUCTION = `# Settings of wirespan. Every line below is commented out: what stands there is the default.
# 'wirespan check-config --config FILE' checks this file; SIGHUP (systemctl reload wirespan) reads it again.
# Flags and the environment win over it. Keys may nest, or be written with dots as here.`;

/** The default as YAML; empty where there is none, or where it cannot be written as a value. */
function defaultOf({ default: value, defaultText }: Setting): string {
  const asTyped = /^`([^`]+)`$/.exec(defaultText ?? '')?.[1];
  if (asTyped !== undefined) return asTyped;
  if (defaultText !== undefined) return '';
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

/** Words in lines of a comment. */
function comment(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < WIDTH) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(`# ${word}`);
  }
  return lines.join('\n');
}

function entry(key: string, setting: Setting): string {
  const { doc, format, defaultText } = setting;
  const value = defaultOf(setting);
  const unsaid = value === '' && defaultText !== undefined ? ` Default: ${defaultText}.` : '';
  const takes = format.expects.replaceAll('\\|', 'or');
  return `${comment(`${doc} Takes ${takes}.${unsaid}`.replaceAll('`', ''))}\n#${key}: ${value}`.trimEnd();
}

/** A file of all settings, each with what it means, commented out: it changes nothing. */
export function renderCommentedConfig(): string {
  return [INTRODUCTION, ...[...SCHEMA].map(([key, setting]) => entry(key, setting))].join('\n\n') + '\n';
}
