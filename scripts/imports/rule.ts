/** The lint rule of the import table: table.ts. */
import { basename, dirname, join, relative } from 'node:path';
import type { Rule } from 'eslint';
import { FILE_READERS, folderOf, refusalOf } from './table.ts';

const project = dirname(dirname(import.meta.dirname));
const LOOSE = 'A file of the receiver belongs into one of its folders; see scripts/imports/table.ts.';
const FILES = 'Files are read in receiver/host; see scripts/imports/table.ts.';
const UNKNOWN = 'This folder has no line in scripts/imports/table.ts.';

/** What import and export declarations have in common, with what TypeScript adds. */
interface Declaration {
  readonly source?: { readonly value?: unknown } | null;
  readonly importKind?: string;
  readonly exportKind?: string;
  readonly specifiers?: readonly { readonly importKind?: string; readonly exportKind?: string }[];
}

/** Nothing of it is left at run time. */
function isOfTypes({ importKind, exportKind, specifiers = [] }: Declaration): boolean {
  if (importKind === 'type' || exportKind === 'type') return true;
  return (
    specifiers.length > 0 && specifiers.every((each) => [each.importKind, each.exportKind].includes('type'))
  );
}

/** A generator is no part of the agent. */
function mayReadFiles(file: string, from: string): boolean {
  return !from.startsWith('receiver') || FILE_READERS.includes(from) || basename(file) === 'generate.ts';
}

export const imports: Rule.RuleModule = {
  meta: { schema: false },
  create(context) {
    const file = relative(project, context.filename);
    const from = folderOf(file);
    if (from === undefined) return {};
    const check = (node: Rule.Node): void => {
      const declaration = node as Declaration;
      const name = declaration.source?.value;
      if (typeof name !== 'string') return;
      if (/^node:fs(\/|$)/.test(name) && !mayReadFiles(file, from)) context.report({ node, message: FILES });
      if (!name.startsWith('.')) return;
      const to = folderOf(relative(project, join(dirname(context.filename), name)));
      const message = to === undefined ? undefined : refusalOf(from, to, isOfTypes(declaration));
      if (message !== undefined) context.report({ node, message });
    };
    return {
      Program(node) {
        if (from === 'receiver' && file !== 'receiver/main.ts')
          context.report({ node, message: dirname(file) === 'receiver' ? LOOSE : UNKNOWN });
      },
      ImportDeclaration: check,
      ImportExpression: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
    };
  },
};
