import { STABILITIES } from './model.ts';
import type { Documented } from './model.ts';
import type { Item } from './read.ts';
import { asFields, asString, oneOf } from './shape.ts';
import type { Fields } from './shape.ts';

/** The fields that attributes and all signals share. Throws RegistryError. */
export function documented({ fields, where, own }: Item): Documented {
  const note = fields['note'];
  const preview = wirespanNotes(fields, where)['upstream_preview'];
  return {
    where,
    own,
    brief: asString(fields['brief'], `${where}: brief`).trim(),
    stability: oneOf(fields['stability'], STABILITIES, `${where}: stability`),
    deprecated: fields['deprecated'] !== undefined,
    ...(note !== undefined && { note: asString(note, `${where}: note`).trim() }),
    ...(preview !== undefined && { upstreamPreview: asString(preview, `${where}: upstream_preview`) }),
  };
}

/** `annotations.wirespan`, empty when absent. Throws RegistryError. */
export function wirespanNotes(fields: Fields, where: string): Fields {
  return annotation(fields, 'wirespan', where);
}

/** One mapping under `annotations`, empty when absent. Throws RegistryError. */
export function annotation(fields: Fields, name: string, where: string): Fields {
  const annotations = asFields(fields['annotations'] ?? {}, `${where}: annotations`);
  return asFields(annotations[name] ?? {}, `${where}: annotations.${name}`);
}
