/** The project's modules by what they import and export, types included; for what no lint rule of one file can see. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';

export interface ModuleImport {
  /** Path below the project; it may be no module of ours. */
  readonly path: string;
  /** As exported there; undefined: all of it. */
  readonly names: readonly string[] | undefined;
}

export interface ModuleExport {
  readonly name: string;
  /** A type that the module uses itself as well: what speaks of it can be named then. */
  readonly isOwnType: boolean;
}

export interface Module {
  readonly imports: readonly ModuleImport[];
  readonly exports: readonly ModuleExport[];
}

/** Modules by their path below `root`, in its folders of code. */
export function readModules(root: string, folders: readonly string[]): Map<string, Module> {
  const paths = folders.flatMap((folder) => globSync(`${folder}/**/*.{ts,mjs,js}`, { cwd: root }));
  return new Map(
    paths.sort().map((path) => [path, moduleOf(path, readFileSync(join(root, path), 'utf8'))] as const),
  );
}

export function moduleOf(path: string, text: string): Module {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const imports: ModuleImport[] = [];
  const visit = (node: ts.Node): void => {
    const found = importAt(node);
    if (found?.from.startsWith('.') === true)
      imports.push({ path: relative('.', join(dirname(path), found.from)), names: found.names });
    ts.forEachChild(node, visit);
  };
  visit(file);
  return { imports, exports: file.statements.flatMap((statement) => exportsOf(statement, file)) };
}

interface FoundImport {
  readonly from: string;
  readonly names: readonly string[] | undefined;
}

/** What a declaration or a call imports; an export from another module is one as well. */
function importAt(node: ts.Node): FoundImport | undefined {
  if (ts.isImportDeclaration(node)) {
    const named = node.importClause?.namedBindings;
    const names =
      named !== undefined && ts.isNamedImports(named) ? named.elements.map(originalName) : undefined;
    return { from: textOf(node.moduleSpecifier), names };
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
    const clause = node.exportClause;
    const names =
      clause !== undefined && ts.isNamedExports(clause) ? clause.elements.map(originalName) : undefined;
    return { from: textOf(node.moduleSpecifier), names };
  }
  const isCall = ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword;
  const [from] = isCall ? node.arguments : [];
  return from === undefined ? undefined : { from: textOf(from), names: undefined };
}

function originalName(element: ts.ImportSpecifier | ts.ExportSpecifier): string {
  return (element.propertyName ?? element.name).text;
}

function textOf(node: ts.Node): string {
  return ts.isStringLiteralLike(node) ? node.text : '';
}

function exportsOf(statement: ts.Statement, file: ts.SourceFile): ModuleExport[] {
  if (ts.isExportDeclaration(statement)) {
    const clause = statement.exportClause;
    const elements = clause !== undefined && ts.isNamedExports(clause) ? clause.elements : [];
    return elements.map(({ name }) => ({ name: name.text, isOwnType: false }));
  }
  const modifiers = ts.canHaveModifiers(statement) ? ts.getModifiers(statement) : undefined;
  if (modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) !== true) return [];
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.map(({ name }) => ({
      name: name.getText(file),
      isOwnType: false,
    }));
  const name = (statement as { readonly name?: ts.Identifier } & ts.Statement).name?.text;
  if (name === undefined) return [];
  const isType = ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement);
  return [{ name, isOwnType: isType && isNamedTwice(name, file) }];
}

function isNamedTwice(name: string, file: ts.SourceFile): boolean {
  let count = 0;
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && node.text === name) count += 1;
    ts.forEachChild(node, visit);
  };
  visit(file);
  return count > 1;
}

/** One circle of each group of modules that need each other: its paths, the first one again at the end. */
export function circlesOf(modules: ReadonlyMap<string, Module>): string[][] {
  const circles: string[][] = [];
  const done = new Set<string>();
  const visit = (path: string, way: readonly string[]): void => {
    const at = way.indexOf(path);
    if (at >= 0) circles.push([...way.slice(at), path]);
    if (at >= 0 || done.has(path)) return;
    for (const { path: next } of modules.get(path)?.imports ?? [])
      if (modules.has(next)) visit(next, [...way, path]);
    done.add(path);
  };
  for (const path of modules.keys()) visit(path, []);
  return circles;
}

/** What `path: name` exports and no other module of these imports. */
export function unusedExports(modules: ReadonlyMap<string, Module>): string[] {
  const used = new Map<string, Set<string> | 'all'>();
  for (const { imports } of modules.values())
    for (const { path, names } of imports) {
      const known = used.get(path);
      if (names === undefined || known === 'all') used.set(path, 'all');
      else used.set(path, new Set([...(known ?? []), ...names]));
    }
  return [...modules].flatMap(([path, { exports }]) => {
    const names = used.get(path);
    if (names === 'all') return [];
    return exports
      .filter(({ name, isOwnType }) => !isOwnType && names?.has(name) !== true)
      .map(({ name }) => `${path}: ${name}`);
  });
}
