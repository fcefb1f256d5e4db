import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findThreadSymbol, readElfImage, type ElfImage } from './elf-image.ts';
import { walkMappings } from './mappings.ts';
import { processFolder } from './process-folder.ts';
import { withMemory, type ProcessMemory } from './process-memory.ts';
import { modelOf, type NodeLayout, type ThreadModel, type ThreadSchema } from './thread-schema.ts';
import { readThreadVariable } from './thread-variable.ts';

/** Where each thread of a process has the address of its record: `struct thread_layout` of bpf/contract/process.h. */
export interface ThreadLayout {
  readonly offset: bigint;
  /** 0: the offset is from the thread pointer, and the rest means nothing. */
  readonly module: number;
  readonly vector: number;
  readonly length: number;
  readonly stride: number;
  /** Node has it, whose records are further away. */
  readonly node?: NodeLayout;
}

/**
 * `none`: no thread-local variable of that name is there (yet); `unresolved`: there is, and it is not told where its
 * threads have it (yet); `denied`: the kernel does not let us read it.
 */
export type LayoutLook = ThreadLayout | 'none' | 'unresolved' | 'denied';

/** `e_machine` of the programs that this machine runs and we know. */
const MACHINES: Readonly<Record<string, number>> = { x64: 62, arm64: 183 };
/** Images that a process maps: more are not looked at. */
const maxImages = 4_096;
const AT_PHDR = 3n;

/** Where the libraries of a process keep the vector of a thread's blocks; all from the thread pointer. */
const VECTORS: Readonly<Record<string, Pick<ThreadLayout, 'vector' | 'length' | 'stride'>>> = {
  'glibc x64': { vector: 8, length: -16, stride: 16 },
  'glibc arm64': { vector: 0, length: -16, stride: 16 },
  'musl x64': { vector: 8, length: 0, stride: 8 },
  'musl arm64': { vector: -8, length: 0, stride: 8 },
};
const LIBRARY = /\/(?:(ld-musl-|libc\.musl-)|libc\.so\.6|libc-2\.)/;

interface Images {
  readonly starts: readonly bigint[];
  /** The C library. */
  readonly libc: 'glibc' | 'musl' | undefined;
}

/** @throws when the process is gone */
export async function readThreadLayout(
  procRoot: string,
  pid: number,
  schema: ThreadSchema,
  architecture: string = process.arch,
): Promise<LayoutLook> {
  const model = modelOf(schema);
  const folder = processFolder(procRoot, pid);
  if (model === undefined) return 'none';
  const images = await readImages(folder);
  const phdr = programHeadersAt(await readFile(join(folder, 'auxv')));
  const vector = VECTORS[`${images.libc ?? ''} ${architecture}`];
  const look = await withMemory(folder, async (memory) => {
    const found: LayoutLook[] = [];
    for (const start of images.starts) {
      const image = await readElfImage(memory, start);
      if (image?.machine !== MACHINES[architecture] || image === undefined) continue;
      const isExecutable = image.headersAt === phdr;
      const look = await lookIn(memory, image, { model, architecture, isExecutable, vector });
      // What the executable defines, all libraries use.
      if (look !== 'none' && isExecutable) return look;
      if (look !== 'none') found.push(look);
    }
    return theOne(found);
  });
  return typeof look === 'string' || model.node === undefined ? look : { ...look, node: model.node };
}

/** Several libraries may have it, when all were linked to the same one. */
function theOne(found: readonly LayoutLook[]): LayoutLook {
  const [first = 'none'] = found;
  const asText = (look: LayoutLook): string =>
    typeof look === 'string' ? look : `${look.offset} ${look.module}`;
  return found.every((one) => asText(one) === asText(first)) ? first : 'unresolved';
}

interface Wanted {
  readonly model: ThreadModel;
  readonly architecture: string;
  readonly isExecutable: boolean;
  readonly vector: Pick<ThreadLayout, 'vector' | 'length' | 'stride'> | undefined;
}

async function lookIn(memory: ProcessMemory, image: ElfImage, wanted: Wanted): Promise<LayoutLook> {
  const symbol = await findThreadSymbol(memory, image, wanted.model);
  if (symbol === undefined) return 'none';
  const variable = await readThreadVariable(memory, image, symbol, wanted);
  if (variable === undefined) return 'unresolved';
  if (variable.module === 0) return { ...variable, vector: 0, length: 0, stride: 0 };
  return wanted.vector === undefined ? 'unresolved' : { ...variable, ...wanted.vector };
}

/** The first part of each mapped file, and the C library by its name. */
async function readImages(folder: string): Promise<Images> {
  const starts: bigint[] = [];
  let libc: Images['libc'];
  await walkMappings(join(folder, 'maps'), ({ start, offset, inode, name }) => {
    if (inode === '0') return false;
    const [isLibrary, musl] = LIBRARY.exec(name) ?? [];
    if (isLibrary !== undefined) libc = musl === undefined ? 'glibc' : 'musl';
    if (offset === 0n && starts.at(-1) !== start) starts.push(start);
    return starts.length === maxImages;
  });
  return { starts, libc };
}

function programHeadersAt(auxiliary: Buffer): bigint | undefined {
  for (let at = 0; at + 16 <= auxiliary.length; at += 16)
    if (auxiliary.readBigUInt64LE(at) === AT_PHDR) return auxiliary.readBigUInt64LE(at + 8);
  return undefined;
}
