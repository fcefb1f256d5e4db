import type { SoftirqTimes } from './report.ts';

/** CPU time in softirq handlers, by CPU and vector; there are as many as the machine has. */
export class SoftirqSeconds {
  readonly #byCpu = new Map<number, Map<string, number>>();

  add(cpu: number, vector: string, seconds: number): void {
    const vectors = this.#byCpu.get(cpu) ?? new Map<string, number>();
    this.#byCpu.set(cpu, vectors.set(vector, (vectors.get(vector) ?? 0) + seconds));
  }

  times(): SoftirqTimes {
    const sums = new Map<string, number>();
    for (const vectors of this.#byCpu.values())
      for (const [vector, seconds] of vectors) sums.set(vector, (sums.get(vector) ?? 0) + seconds);
    const byVector = [...sums]
      .map(([vector, seconds]) => ({ vector, seconds }))
      .sort((a, b) => b.seconds - a.seconds);
    const byCpu = [...this.#byCpu]
      .sort(([a], [b]) => a - b)
      .map(([cpu, own]) => {
        const vectors = byVector.map(({ vector }) => own.get(vector) ?? 0);
        return { cpu, seconds: sum(vectors), vectors };
      });
    return { total: sum(byVector.map(({ seconds }) => seconds)), byVector, byCpu };
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}
