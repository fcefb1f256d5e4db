import type { ConnectionRecord } from '../model/record.ts';
import type { Column } from './columns.ts';
import { numberCheck, type ViewArguments, type ViewOption } from './options.ts';

/** The highest that the kernel gives anybody: the next one means none. */
const MAX_UID = 0xffff_fffe;

export const USER_OPTIONS: readonly ViewOption[] = [
  { long: 'print-uid', short: 'U', help: 'a column with the user id of who made the socket' },
  {
    long: 'uid',
    short: 'u',
    value: 'UID',
    check: numberCheck(MAX_UID, 'user id', 0),
    help: 'sockets that this user id made only',
  },
];

/** The users of sockets: a column when it is asked for, and who is left out. */
export class Users {
  readonly columns: readonly Column[];
  readonly #uid: number | undefined;
  #unknown = 0;

  constructor(args: ViewArguments) {
    this.#uid = args.number('uid');
    this.columns = args.has('print-uid') ? [['UID', 6]] : [];
  }

  isShown({ uid }: ConnectionRecord): boolean {
    if (this.#uid === undefined) return true;
    if (uid === undefined) this.#unknown += 1;
    return uid === this.#uid;
  }

  texts({ uid }: ConnectionRecord): string[] {
    return this.columns.map(() => (uid === undefined ? '-' : String(uid)));
  }

  /** What was left out without being known, in words. */
  notes(): string[] {
    return this.#unknown === 0
      ? []
      : [
          `${String(this.#unknown)} are left out, since it was not noted which user made them: by a version before -u`,
        ];
  }
}
