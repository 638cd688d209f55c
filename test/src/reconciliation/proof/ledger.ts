import type { Change, UserRecord } from '../../../../src/reconciliation/index.ts';
import type { FieldGroup } from '../../../../src/reconciliation/record.ts';
import type { AccountDump } from '../../../simulator/index.ts';
import { atomsOfRecord, atomsOfUser, type Atoms } from './atoms.ts';

const absent = '(not there)';

/** What really happened to every user, part by part: the values that it had, one after the other. */
export class History {
  readonly #values = new Map<string, Map<string, string[]>>();
  readonly #gone = new Set<string>();

  /** To be called whenever something may have changed. */
  note(account: AccountDump): void {
    const there = new Set(account.users.map(({ userId }) => userId));
    for (const user of account.users) {
      const known = this.#values.get(user.userId) ?? new Map<string, string[]>();
      this.#values.set(user.userId, known);
      const now = atomsOfUser(user, account);
      for (const name of new Set([...known.keys(), ...now.keys()])) {
        const value = now.get(name)?.value ?? absent;
        const before = known.get(name) ?? (known.size === 0 ? [] : [absent]);
        if (before.at(-1) !== value) {
          before.push(value);
        }
        known.set(name, before);
      }
    }
    for (const id of this.#values.keys()) {
      if (!there.has(id)) {
        this.#gone.add(id);
      }
    }
  }

  isGone(id: string): boolean {
    return this.#gone.has(id);
  }

  /** Where in what really happened a value is found, not before a place; undefined: it never came after that. */
  find(id: string, atom: string, value: string, from: number): number | undefined {
    const values = this.#values.get(id)?.get(atom) ?? [absent];
    const at = values.indexOf(value, from);
    return at < 0 ? undefined : at;
  }
}

interface Told {
  atoms: Map<string, { readonly group: FieldGroup; readonly value: string }>;
  /** By part: the place in what really happened. */
  readonly places: Map<string, number>;
}

/** Somebody who knows of an account only what runs report, and who doubts each word of it. */
export class Ledger {
  readonly complaints: string[] = [];
  /** How many changes were reported. */
  count = 0;
  readonly #history: History;
  readonly #told = new Map<string, Told>();
  readonly #deleted = new Set<string>();

  constructor(history: History) {
    this.#history = history;
  }

  hear(run: string, changes: readonly Change[]): void {
    for (const change of changes) {
      this.count += 1;
      this.#hearOne(run, change);
    }
  }

  /** Complains of everything that is not as it was told. */
  compare(when: string, account: AccountDump): void {
    const there = new Set(account.users.map(({ userId }) => userId));
    for (const id of this.#told.keys()) {
      if (!there.has(id)) {
        this.complaints.push(`${when}: the deletion of ${id} was missed`);
      }
    }
    for (const user of account.users) {
      const told = this.#told.get(user.userId);
      if (told === undefined) {
        this.complaints.push(`${when}: ${user.userName} (${user.userId}) was missed`);
        continue;
      }
      const now = atomsOfUser(user, account);
      const groupsTold = new Set(Array.from(told.atoms.values(), ({ group }) => group));
      for (const name of new Set([...now.keys(), ...told.atoms.keys()])) {
        const real = now.get(name);
        const heard = told.atoms.get(name);
        const group = real?.group ?? heard?.group ?? 'name';
        // What was not known when the user was told of, and has not changed since, is learnt without a word.
        const learnt = group === 'credentials' && !groupsTold.has('credentials');
        if (!learnt && real?.value !== heard?.value) {
          this.complaints.push(
            `${when}: ${user.userName} (${user.userId}) has ${name} = ${real?.value}, was told ${heard?.value}`,
          );
        }
      }
    }
  }

  #hearOne(run: string, { change, id, name, what = [], before, record }: Change): void {
    const complain = (text: string): void => {
      this.complaints.push(`${run}: ${change} ${name} (${id}): ${text}`);
    };
    const told = this.#told.get(id);
    switch (change) {
      case 'Deleted':
        if (told === undefined) {
          complain('nobody has heard of it');
        }
        if (!this.#history.isGone(id)) {
          complain('it is still there');
        }
        this.#told.delete(id);
        this.#deleted.add(id);
        return;
      case 'Created': {
        if (told !== undefined || this.#deleted.has(id)) {
          complain('told before');
        }
        const made = { atoms: new Map(), places: new Map<string, number>() };
        this.#told.set(id, made);
        this.#take(made, atomsOfRecord(record as UserRecord), id, complain);
        return;
      }
      case 'Changed': {
        if (told === undefined) {
          complain('nobody has heard of it');
          return;
        }
        const oldName = told.atoms.get('name: name')?.value;
        if ((before ?? name) !== oldName) {
          complain(`it was ${oldName}`);
        }
        // What was not known before was learnt without a word, and the change since then is told.
        const knewCredentials = Array.from(told.atoms.values()).some(({ group }) => group === 'credentials');
        const changed = this.#take(told, atomsOfRecord(record as UserRecord), id, complain);
        const said = new Set(what);
        for (const group of changed) {
          if (!said.has(group)) {
            complain(`that ${group} changed was not said`);
          }
        }
        for (const group of said) {
          if (!changed.has(group as FieldGroup) && (group !== 'credentials' || knewCredentials)) {
            complain(`that ${group} changed was said, and it has not`);
          }
        }
        return;
      }
      case 'LeftFilter':
        complain('there is no filter');
    }
  }

  /** Takes over what a record says; the groups in which it differs from what was told before. */
  #take(
    told: Told,
    { atoms, unknown }: { readonly atoms: Atoms; readonly unknown: ReadonlySet<FieldGroup> },
    id: string,
    complain: (text: string) => void,
  ): ReadonlySet<FieldGroup> {
    const known = new Set(Array.from(told.atoms.values(), ({ group }) => group));
    const changed = new Set<FieldGroup>();
    const next = new Map(Array.from(told.atoms).filter(([, { group }]) => unknown.has(group)));
    for (const name of new Set([...told.atoms.keys(), ...atoms.keys()])) {
      const now = atoms.get(name);
      const earlier = told.atoms.get(name);
      const group = now?.group ?? earlier?.group ?? 'name';
      if (unknown.has(group)) {
        continue;
      }
      if (now !== undefined) {
        next.set(name, now);
      }
      const value = now?.value ?? absent;
      if (earlier?.value !== now?.value && (known.has(group) || group !== 'credentials')) {
        changed.add(group);
      }
      const place = this.#history.find(id, name, value, told.places.get(name) ?? 0);
      if (place === undefined) {
        complain(`${name} was never ${value} after what was told before`);
      } else {
        told.places.set(name, place);
      }
    }
    told.atoms = next;
    return changed;
  }
}
