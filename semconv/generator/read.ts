import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse, YAMLParseError } from 'yaml';
import { asFields, asList, asString, checkShape, oneOf, RegistryError } from './shape.ts';
import type { Fields, ShapeName } from './shape.ts';

/** An item of a file, with the place for messages. */
export interface Item {
  readonly where: string;
  /** Read from this registry, not from the upstream one. */
  readonly own: boolean;
  readonly fields: Fields;
}

/** Everything that the files of one folder define, by kind, not resolved. */
export interface Source {
  readonly schemaUrl: string;
  readonly attributes: readonly Item[];
  readonly groups: readonly Item[];
  readonly metrics: readonly Item[];
  readonly refinements: readonly Item[];
  readonly spans: readonly Item[];
  readonly events: readonly Item[];
  readonly entities: readonly Item[];
}

/** Reads all definition files of a folder and its manifest. Throws RegistryError on bad syntax or unknown keys. */
export function readSource(folder: string, own: boolean): Source {
  const manifest = asFields(readYaml(join(folder, 'manifest.yaml')), 'manifest.yaml');
  const files = readdirSync(folder)
    .filter((file) => file.endsWith('.yaml') && file !== 'manifest.yaml')
    .sort();
  const documents = files.map((file) => readDefinitions(join(folder, file)));
  const gather = (section: string, shape: ShapeName, nameKey: string): Item[] =>
    documents.flatMap((document) =>
      items(document, section, shape, nameKey).map((item) => ({ ...item, own })),
    );
  return {
    schemaUrl: asString(manifest['schema_url'], 'manifest.yaml: schema_url'),
    attributes: gather('attributes', 'attribute', 'key'),
    groups: gather('attribute_groups', 'attribute_group', 'id'),
    metrics: gather('metrics', 'metric', 'name'),
    refinements: gather('metric_refinements', 'metric_refinement', 'id'),
    spans: gather('spans', 'span', 'type'),
    events: gather('events', 'event', 'name'),
    entities: gather('entities', 'entity', 'type'),
  };
}

interface Document {
  readonly file: string;
  readonly content: Fields;
}

function readDefinitions(path: string): Document {
  const file = basename(path);
  const content = checkShape(readYaml(path), 'file', file);
  oneOf(content['file_format'], ['definition/2'], `${file}: file_format`);
  return { file, content };
}

function readYaml(path: string): unknown {
  try {
    return parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    throw new RegistryError(`${basename(path)}: ${error.message.split('\n')[0] ?? ''}`, { cause: error });
  }
}

function items(
  { file, content }: Document,
  section: string,
  shape: ShapeName,
  nameKey: string,
): Omit<Item, 'own'>[] {
  return asList(content[section], `${file}: ${section}`).map((value, index) => {
    const name = asFields(value, `${file}: ${section}[${index}]`)[nameKey];
    const where = `${file}: ${typeof name === 'string' ? name : `${section}[${index}]`}`;
    return { where, fields: checkShape(value, shape, where) };
  });
}
