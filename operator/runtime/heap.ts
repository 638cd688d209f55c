/** Something that stands in at most one heap at a time. */
export interface HeapItem {
  /** Where it stands; -1 outside. Only the heap writes it. */
  heapIndex: number;
}

/** A binary heap that can also drop an item from its middle. */
export class Heap<T extends HeapItem> {
  readonly #items: T[] = [];
  readonly #before: (a: T, b: T) => boolean;

  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }

  get size(): number {
    return this.#items.length;
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    this.#place(item, this.#items.length);
    this.#up(item);
  }

  pop(): T | undefined {
    const first = this.#items[0];
    if (first !== undefined) {
      this.remove(first);
    }
    return first;
  }

  remove(item: T): void {
    const hole = item.heapIndex;
    const last = this.#items.pop();
    item.heapIndex = -1;
    if (last !== undefined && last !== item) {
      this.#place(last, hole);
      this.#up(last);
      this.#down(last);
    }
  }

  #place(item: T, index: number): void {
    this.#items[index] = item;
    item.heapIndex = index;
  }

  #swapIfBefore(a: T | undefined, b: T | undefined): boolean {
    if (a === undefined || b === undefined || !this.#before(a, b)) {
      return false;
    }
    const index = a.heapIndex;
    this.#place(a, b.heapIndex);
    this.#place(b, index);
    return true;
  }

  #up(item: T): void {
    while (item.heapIndex > 0) {
      if (!this.#swapIfBefore(item, this.#items[(item.heapIndex - 1) >> 1])) {
        return;
      }
    }
  }

  #down(item: T): void {
    for (;;) {
      const left = this.#items[2 * item.heapIndex + 1];
      const right = this.#items[2 * item.heapIndex + 2];
      const child = left !== undefined && right !== undefined && this.#before(right, left) ? right : left;
      if (!this.#swapIfBefore(child, item)) {
        return;
      }
    }
  }
}
