import type { FrameLine, FrameSize, Screen, ScreenHandlers } from '../../../../receiver/views/top/screen.ts';

/** A terminal of which only the last frame is kept. */
export class FakeScreen implements Screen {
  size: FrameSize = { width: 80, height: 12 };
  isUnicode = true;
  isOpen = false;
  draws = 0;
  #lines: readonly FrameLine[] = [];
  #handlers: ScreenHandlers | undefined;

  open(handlers: ScreenHandlers): void {
    this.isOpen = true;
    this.#handlers = handlers;
  }

  draw(lines: readonly FrameLine[]): void {
    this.draws += 1;
    this.#lines = lines;
  }

  close(): void {
    this.isOpen = false;
  }

  /** Presses keys, one after the other. */
  press(...keys: readonly string[]): void {
    for (const key of keys) this.#handlers?.onKey(key);
  }

  resize(width: number, height: number): void {
    this.size = { width, height };
    this.#handlers?.onRedraw();
  }

  get lines(): readonly string[] {
    return textsOf(this.#lines);
  }

  get styles(): readonly string[][] {
    return this.#lines.map((line) => line.map(({ style }) => style));
  }
}

export function textsOf(lines: readonly FrameLine[]): string[] {
  return lines.map((line) =>
    line
      .map(({ text }) => text)
      .join('')
      .trimEnd(),
  );
}
