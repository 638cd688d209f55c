import type { World } from '../../test/e2e/world.ts';
import { eventually } from '../../test/support/process.ts';

interface Note {
  readonly msg?: string;
  readonly reason?: string;
  readonly account?: { readonly name: string };
  readonly binding?: { readonly name: string };
  /** `namespace/name` of an AwsReconciliation. */
  readonly run?: string;
}

/** Ends a demo before its time: Ctrl-C, or an operator that is gone. */
export class Ended extends Error {}

/** What the demo says: its own words, what the operator tells as it happens, and what came true of it. */
export class Stage {
  readonly #began = Date.now();
  readonly #outcomes: boolean[] = [];
  #world: World | undefined;
  #told = 0;
  #written = 0;
  #ended: string | undefined;
  #stopping = false;
  #wake: () => void = () => undefined;
  /** Resolves when there is nothing more to wait for: `end` was called, or the operator is gone. */
  readonly ended = new Promise<void>((resolve) => {
    this.#wake = resolve;
  });

  /** How many checks came true, of how many. */
  get outcome(): { readonly good: number; readonly all: number } {
    return { good: this.#outcomes.filter(Boolean).length, all: this.#outcomes.length };
  }

  say(text: string): void {
    console.log(`\n[${this.#clock()}] ${text}`);
  }

  /** The first reason counts. */
  end(why: string): void {
    this.#ended ??= why;
    this.#wake();
  }

  /** @throws {Ended} */
  goOn(): void {
    if (this.#ended !== undefined) {
      throw new Ended(this.#ended);
    }
  }

  /** From here on the operator's notes are told, and its end is the end of the demo. */
  listen(world: World): void {
    this.#world = world;
    const { operator } = world;
    void operator.exited.then((code) => {
      if (!this.#stopping) {
        const last = operator.lines.slice(-10).join('\n');
        this.end(`the operator ended by itself (${code}). Its last words:\n${last}`);
      }
    });
  }

  /** The operator is about to be stopped: that it ends is no news. */
  close(): void {
    this.#stopping = true;
  }

  /** A step that must come true; a demo that does not show what it says has failed. */
  async check(what: string, probe: () => Promise<boolean>, withinMs = 30_000): Promise<void> {
    this.goOn();
    const answer = await eventually(
      async () => {
        this.#tell();
        if (this.#ended !== undefined) {
          return false;
        }
        return (await probe()) ? true : undefined;
      },
      { withinMs, everyMs: 100 },
    ).catch(() => false);
    this.#tell();
    this.goOn();
    this.#outcomes.push(answer);
    console.log(`  ${answer ? 'ok    ' : 'FAILED'}  ${what}`);
  }

  /** The writes to AWS since the last time, counted. */
  async cost(): Promise<void> {
    const world = this.#world;
    if (world === undefined) {
      return;
    }
    const administrators = new Set(world.accounts.map(({ accessKeyId }) => accessKeyId));
    const all = (await world.simulator.writes()).filter(
      ({ accessKeyId }) => !administrators.has(accessKeyId),
    );
    const counts = new Map<string, number>();
    for (const { operation, code } of all.slice(this.#written)) {
      const name = code === 'OK' ? operation : `${operation} (${code})`;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    this.#written = all.length;
    const told = [...counts].map(([name, count]) => `${name} ${count}`).join(', ');
    console.log(`  writes to AWS: ${told === '' ? 'none' : told}`);
  }

  #clock(): string {
    return `${((Date.now() - this.#began) / 1000).toFixed(1).padStart(5)} s`;
  }

  /** What the operator did since the last time, in its own words. */
  #tell(): void {
    const lines = this.#world?.operator.lines ?? [];
    for (const line of lines.slice(this.#told)) {
      const { reason, msg, account, binding, run } = parse(line);
      const name = (account ?? binding)?.name ?? run?.split('/')[1];
      if (reason !== undefined && msg !== undefined && name !== undefined) {
        console.log(`          ${this.#clock()}  ${name}: ${msg}`);
      }
    }
    this.#told = lines.length;
  }
}

function parse(line: string): Note {
  try {
    return JSON.parse(line) as Note;
  } catch {
    return {};
  }
}
