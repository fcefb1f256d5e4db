/** Longest text from outside that a message repeats, in characters. */
const MAX_OUTSIDE_CHARS = 240;

/** What would end a line, move a cursor, turn the direction of a text or cannot be seen; halves of characters too. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;
const LINE_ENDS = /[\r\n\t\v\f\u2028\u2029]+/g;

/**
 * A text that somebody else wrote (a collector, a file, a kernel, a process) as one line that is safe to
 * show: nothing in it moves the cursor or fakes a line, and of a long one only the beginning is kept, with
 * the number of characters that are not. `outsideText(outsideText(x))` is `outsideText(x)` for texts within the bound.
 */
export function outsideText(text: string, maxChars: number = MAX_OUTSIDE_CHARS): string {
  // What is cut off is never looked at: the text may be of any length.
  const head = text.slice(0, maxChars);
  const left = text.length - maxChars;
  const line = head.replace(LINE_ENDS, ' ').replace(UNPRINTABLE, '?');
  return left > 0 ? `${line}… (${String(left)} more characters)` : line;
}
