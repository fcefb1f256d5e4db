/** What a process says of how its threads publish (OTEP 4947): the attributes `threadlocal.*` of its context. */
export interface ThreadSchema {
  /** `threadlocal.schema_version`. */
  readonly version: string;
  /** Those that are numbers, by their names after `threadlocal.`; absent: none. */
  readonly numbers?: ReadonlyMap<string, number>;
}

/** Where in V8's objects Node has what leads to a record, in bytes from each one's beginning. */
export interface NodeLayout {
  readonly frameTable: number;
  readonly tableCounts: number;
  /** Undefined: each thread says so itself. */
  readonly record: number | undefined;
  /** Undefined: what is there is the record. */
  readonly inner: number | undefined;
}

/** What is known of a schema's thread-local variable. */
export interface ThreadModel {
  readonly variable: string;
  /** Its size. */
  readonly bytes: number;
  /** Absent: it has the address of the thread's record. */
  readonly node?: NodeLayout;
}

/** By version; a model that the numbers of a process do not fit is none. */
const MODELS: ReadonlyMap<string, (schema: ThreadSchema) => ThreadModel | undefined> = new Map([
  ['tlsdesc_v1_dev', native],
  ['tls_v1', native],
  ['nodejs_v1_dev', nodejs],
]);

/** As Node 22 to 24 have it: no version of the schema says otherwise of itself. */
const DEFAULTS = { tagged_size: 8, js_map_table_offset: 24, ordered_hash_map_header_size: 16 };
/** A field further behind is of no object that is meant. */
const maxOffset = 4_096;

/** Undefined: it is not known, or is of a kind of V8 that is not read. */
export function modelOf(schema: ThreadSchema): ThreadModel | undefined {
  return MODELS.get(schema.version)?.(schema);
}

function native(): ThreadModel {
  return { variable: 'otel_thread_ctx_v1', bytes: 8 };
}

/**
 * Writers differ while it is in development: the record's address is in the wrapper (`js_object_record_offset`, or the
 * thread says where), or in an object behind that (`wrapped_object_offset`, then `native_wrap_fields_offset`).
 */
function nodejs({ numbers = new Map() }: ThreadSchema): ThreadModel | undefined {
  const offset = (name: keyof typeof DEFAULTS): number => numbers.get(name) ?? DEFAULTS[name];
  const wrapped = numbers.get('wrapped_object_offset');
  const node = {
    frameTable: offset('js_map_table_offset'),
    tableCounts: offset('ordered_hash_map_header_size'),
    record: numbers.get('js_object_record_offset') ?? wrapped,
    inner: wrapped === undefined ? undefined : (numbers.get('native_wrap_fields_offset') ?? 0),
  };
  const isKnown =
    offset('tagged_size') === DEFAULTS.tagged_size &&
    [node.frameTable, node.tableCounts, node.record ?? 1].every((one) => isOffset(one) && one > 0) &&
    isOffset(node.inner ?? 0);
  return isKnown ? { variable: 'otel_thread_ctx_nodejs_v1', bytes: 32, node } : undefined;
}

function isOffset(number: number): boolean {
  return Number.isInteger(number) && number >= 0 && number <= maxOffset;
}
