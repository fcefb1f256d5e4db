/** What the SDKs of four languages call a service, as `measure.ts` found it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readDeclared } from '../../receiver/enrich/declared.ts';
import type { SdkLanguage } from '../../receiver/enrich/resource-list.ts';

export const SDKS = ['nodejs', 'python', 'go', 'java'] as const;
export type Sdk = (typeof SDKS)[number];

export interface NameCase {
  readonly about: string;
  /** `OTEL_SERVICE_NAME` */
  readonly name?: string;
  /** `OTEL_RESOURCE_ATTRIBUTES` */
  readonly list?: string;
  /** The service's name; absent where the SDK does not start. */
  readonly seen: Partial<Record<Sdk, string>>;
}

export interface ServiceNames {
  /** Packages and their versions. */
  readonly versions: Readonly<Record<Sdk, Readonly<Record<string, string>>>>;
  readonly cases: readonly NameCase[];
}

const FILE = join(import.meta.dirname, 'service-names.json');
export const TABLE_FILE = join(import.meta.dirname, '../../docs/service-names.md');

export function readNames(): ServiceNames {
  return JSON.parse(readFileSync(FILE, 'utf8')) as ServiceNames;
}

export function writeNames(names: ServiceNames): void {
  writeFileSync(FILE, `${JSON.stringify(names, undefined, 2)}\n`);
}

/** What we call the service; undefined: by its executable. */
export function ourName({ name, list }: NameCase, language: SdkLanguage): string | undefined {
  const environment = {
    ...(name !== undefined && { serviceName: name }),
    ...(list !== undefined && { resourceAttributes: list }),
  };
  return readDeclared(environment, language).attributes.get('service.name');
}

/** What an SDK says when it has no name is no name. */
export function sdkName({ seen }: NameCase, sdk: Sdk): string | undefined {
  const name = seen[sdk];
  return name === undefined || name === '' || name.startsWith('unknown_service:') ? undefined : name;
}

/** Spaces at the ends would be lost in Markdown. */
const visible = (text: string): string =>
  text.replace(/^ +| +$/g, (spaces) => '␣'.repeat(spaces.length)).replaceAll('\t', '\\t');
const code = (text: string): string => (text === '' ? 'empty' : `\`${visible(text)}\``);
const short = (text: string): string => (text.length > 40 ? `${text.slice(0, 20)}…` : text);

/** The page of docs/, but for the width of its columns. */
export function tableOf({ versions, cases }: ServiceNames): string {
  const rows = cases.map((one) => {
    const set = [
      ...(one.name === undefined ? [] : [`\`NAME\` ${code(one.name)}`]),
      ...(one.list === undefined ? [] : [`\`LIST\` ${code(short(one.list))}`]),
    ];
    const seen = SDKS.map((sdk) => {
      const name = one.seen[sdk];
      if (name === undefined) return 'does not start';
      return name.startsWith('unknown_service:') ? '–' : code(short(name));
    });
    const own = ourName(one, 'other');
    return [one.about, set.join(', '), ...seen, own === undefined ? '–' : code(short(own))];
  });
  const packages = SDKS.map((sdk) =>
    Object.entries(versions[sdk])
      .map(([name, version]) => `\`${name}\` ${version}`)
      .join(', '),
  );
  const heading = ['Case', 'Set', 'JavaScript', 'Python', 'Go', 'Java', 'wirespan, of other languages'];
  const lines = [heading, heading.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  return `# What a service is called

\`service.name\` of a process is made of \`OTEL_SERVICE_NAME\` (\`NAME\` below) and \`OTEL_RESOURCE_ATTRIBUTES\` (\`LIST\`). SDKs
read the odd cases in different ways. wirespan reads them as the SDK of the process's language does, which it tells by the name of
the executable (\`node\`, \`python3.11\`, \`java\`), else as most of them do, so that network and application are one service. A
name is never empty: without one it is the executable's name, where SDKs say \`unknown_service:…\`
([decision 33](decisions/0033-the-name-of-a-service.md)). Where a process has overwritten its
environment, its variables are those that it was started with ([decision 38](decisions/0038-names-as-a-program-was-started.md)).

The cells are from runs of ${packages.join('; ')}: \`node test/sdks/measure.ts\` makes them anew, and
\`test/unit/enrich/service-names.test.ts\` compares wirespan with them. –: no name. ␣: a space. Where an SDK does not start or says
an empty name, wirespan's is that of the last column. Programs in Go are told from others by nothing, so spaces around
\`OTEL_SERVICE_NAME\`, which Go's SDK alone takes off, stay.

${lines.join('\n')}
`;
}
