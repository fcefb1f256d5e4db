import { isPid, numberCheck, type ViewOption } from './options.ts';

/** The inode number that `readlink /proc/PID/ns/net` shows. */
export function netnsOption(short?: string): ViewOption {
  const check = numberCheck(0xffff_ffff, 'network namespace');
  const help = 'this network namespace only: the number in `readlink /proc/PID/ns/net`';
  return { long: 'netns', ...(short !== undefined && { short }), value: 'INODE', check, help };
}

/** The same in the words of BCC's tcpdrop; `withNetns` makes it `--netns`. */
export const NETNS_OF_BCC: readonly ViewOption[] = [
  { ...netnsOption(), long: 'netns-id', help: 'the same as --netns' },
  {
    long: 'pid-netns',
    value: 'PID',
    check: isPid,
    help: 'the network namespace that this process is in when the view begins',
  },
];
