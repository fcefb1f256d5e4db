/** What the documents name: files and folders of the project, and headings. */
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';

export const project = dirname(dirname(dirname(import.meta.dirname)));

/** Made by the set-up and the build, so not there in every checkout. */
const MADE = ['node_modules', 'build', 'dist', '.cache', '.git'];
const SOURCE = /[\w>*}]\.(?:ts|mjs|js|md|ya?ml|json|h|c|cc|sh)$/;
/**
 * They look like a file's name: the language's run time, the kernel's types that libbpf's programs include, and the bill of
 * materials in packages.
 */
const NO_PATHS = ['Node.js', 'vmlinux.h', 'sbom.cdx.json'];
const NAME = /(?<![\w./@:~<>*-])[\w.][\w.<>*{}-]*(?:\/[\w.<>*{}-]+)*\/?/g;

const isMade = (path: string): boolean => MADE.includes(path.split('/')[0] ?? '');

/** Names directly below the project. */
const top = readdirSync(project).filter((name) => !isMade(name));
/** Names of all files below it, without their folders. */
const names = new Set(
  top.flatMap((name) => [name, ...globSync(`${name}/**/*`, { cwd: project })]).map((path) => basename(path)),
);

/** Whether a word of a document means a place in the project. */
function isPath(word: string): boolean {
  if (NO_PATHS.includes(word) || isMade(word)) return false;
  const [first = ''] = word.split('/');
  return SOURCE.test(word) || word.endsWith('/') || (first !== word && top.includes(first));
}

/** The comments of a file of code, one line each. */
export const commentsIn = (text: string): string =>
  (text.match(/(?:^|\s)(?:\/\*|\*\s|\/\/\s|#\s).*$/gm) ?? []).join('\n');

/** Paths that a text names, each once; not addresses of the web and what a link points to. */
export function pathsIn(text: string): string[] {
  const plain = text.replace(/\b[a-z]+:\/\/\S+/g, '').replace(/\]\([^)]*\)/g, ']');
  const words = (plain.match(NAME) ?? []).map((word) => word.replace(/\.+$/, ''));
  return [...new Set(words.filter(isPath))];
}

/** Paths that comments name: there a name without a folder, or `net/ipv4/tcp.c`, may be the kernel's. */
export const pathsInComments = (text: string): string[] =>
  pathsIn(commentsIn(text)).filter((path) => path.includes('/') && top.includes(path.split('/')[0] ?? ''));

/** What the links of a text point to, each once; not the web's. */
export function linksIn(text: string): string[] {
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  return [...new Set(targets.filter((target) => !/^[a-z]+:/.test(target)))];
}

/**
 * Whether there is such a file or folder: below the project or beside the document; a name without a folder:
 * anywhere; a decision: by its number. Something must fit `<stem>` and `*`, but the last part may be yet to come: `<new>.ts`.
 */
export function exists(path: string, document: string): boolean {
  if (!path.includes('/') && !/[<*]/.test(path)) return names.has(path);
  if (/^docs\/decisions\/\d{4}$/.test(path)) return exists(`${path}-*.md`, document);
  const known = /<[^/]*$/.test(path.replace(/\/$/, '')) ? dirname(path) : path;
  const pattern = known.replace(/<[^>]*>/g, '*');
  return ['', dirname(document)].some((folder) =>
    /[*{]/.test(pattern)
      ? globSync(pattern, { cwd: join(project, folder) }).length > 0
      : existsSync(join(project, folder, pattern)),
  );
}

/** What a heading is called in a link, as GitHub does. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');

/** Whether a link of a document leads to a file and, after `#`, to a heading in it. */
export function leads(link: string, document: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? join(project, document) : join(project, dirname(document), path);
  if (!existsSync(target) || relative(project, target).startsWith('..')) return false;
  if (anchor === undefined) return true;
  const headings = readFileSync(target, 'utf8').matchAll(/^#+ (.*)$/gm);
  return [...headings].some(([, heading = '']) => anchorOf(heading) === anchor);
}
