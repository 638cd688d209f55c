import type { Account } from '../state/index.ts';
import type { OrganizationOptions, Partition } from '../types.ts';

export interface Unit {
  readonly id: string;
  readonly name: string;
  readonly parentId: string;
}

export interface Member {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly status: 'ACTIVE' | 'SUSPENDED' | 'PENDING_CLOSURE';
  readonly parentId: string;
}

export interface Policy {
  readonly id: string;
  readonly name: string;
  readonly document: string;
  readonly aws: boolean;
  /** Ids of accounts, units or the root. */
  readonly targets: ReadonlySet<string>;
}

const FULL_ACCESS = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
});

/** An organisation: its tree, its accounts and its service control policies. It does not change. */
export class OrganizationModel {
  readonly id = 'o-simulator1';
  readonly rootId = 'r-sim1';
  readonly managementId: string;
  readonly partition: Partition;
  readonly delegated: ReadonlySet<string>;
  readonly units = new Map<string, Unit>();
  readonly members = new Map<string, Member>();
  readonly policies = new Map<string, Policy>();
  readonly joinedAt: number;

  constructor(options: OrganizationOptions, accounts: readonly Account[], now: number) {
    this.managementId = options.managementAccountId ?? accounts[0]?.id ?? '';
    this.partition = accounts.find(({ id }) => id === this.managementId)?.partition ?? 'aws';
    this.delegated = new Set(options.delegatedAdministrators);
    this.joinedAt = now;
    const parents = new Map<string, string>();
    for (const [path, ids] of Object.entries(options.units ?? {})) {
      const unit = this.#unit(path);
      for (const id of ids) {
        parents.set(id, unit.id);
      }
    }
    for (const account of accounts) {
      const name = account.alias ?? `account-${account.id}`;
      this.#addMember({ id: account.id, name }, parents);
    }
    for (const member of options.members ?? []) {
      this.#addMember(member, parents);
    }
    this.#addPolicies(options);
  }

  #addMember(
    member: { id: string; name: string; email?: string; status?: Member['status'] },
    parents: ReadonlyMap<string, string>,
  ): void {
    this.members.set(member.id, {
      id: member.id,
      name: member.name,
      email: member.email ?? `aws+${member.id}@example.com`,
      status: member.status ?? 'ACTIVE',
      parentId: parents.get(member.id) ?? this.rootId,
    });
  }

  #addPolicies(options: OrganizationOptions): void {
    const everything = new Set([this.rootId, ...this.units.keys(), ...this.members.keys()]);
    this.policies.set('p-FullAWSAccess', {
      id: 'p-FullAWSAccess',
      name: 'FullAWSAccess',
      document: FULL_ACCESS,
      aws: true,
      targets: everything,
    });
    for (const [index, policy] of (options.serviceControlPolicies ?? []).entries()) {
      const id = `p-${String(index + 1).padStart(8, '0')}`;
      const targets = new Set(
        policy.targets.map((target) => {
          if (target === 'root') {
            return this.rootId;
          }
          return this.members.has(target) ? target : this.#unit(target).id;
        }),
      );
      this.policies.set(id, { id, name: policy.name, document: policy.document, aws: false, targets });
    }
  }

  /** The unit at a path such as `Production/Payments`, made with its parents when it is new. */
  #unit(path: string): Unit {
    let parentId = this.rootId;
    let unit: Unit | undefined;
    for (const name of path.split('/')) {
      unit = [...this.units.values()].find((known) => known.name === name && known.parentId === parentId);
      if (unit === undefined) {
        const id = `ou-sim1-${String(this.units.size + 1).padStart(8, '0')}`;
        unit = { id, name, parentId };
        this.units.set(id, unit);
      }
      parentId = unit.id;
    }
    return unit ?? { id: this.rootId, name: 'Root', parentId: '' };
  }

  /** The account, the units above it and the root. */
  lineage(accountId: string): readonly string[] {
    const result = [accountId];
    let parent = this.members.get(accountId)?.parentId;
    while (parent !== undefined && parent !== '') {
      result.push(parent);
      parent = this.units.get(parent)?.parentId;
    }
    return result;
  }

  /** Policies that bind an account; the management account is never bound. */
  controlling(accountId: string): readonly { readonly id: string; readonly document: string }[] {
    if (accountId === this.managementId || !this.members.has(accountId)) {
      return [];
    }
    const lineage = this.lineage(accountId);
    return [...this.policies.values()].filter(({ targets }) => lineage.some((id) => targets.has(id)));
  }

  arn(resource: string): string {
    return `arn:${this.partition}:organizations::${this.managementId}:${resource}`;
  }
}
