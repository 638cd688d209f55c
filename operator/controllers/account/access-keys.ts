import { remembered, type KeyMemory } from '../../../src/account/index.ts';
import type { AwsAccount } from '../../api/v1alpha1/index.ts';
import { keyOf, keyString } from '../../runtime/index.ts';
import { annotations } from '../names.ts';
import { keyMemoryOf, keySecretOf, keyStatus, writeKeyMemory } from './key-memory.ts';
import { KeyWork, type KeyReport, type KeyTools } from './key-work.ts';
import { nothingDone, type Part, type PartInputs, type PartOutcome } from './parts.ts';
import { vaultName } from './vault.ts';

export interface AccessKeyPartOptions extends KeyTools {
  /** What the credential report says of a user; undefined where it cannot be read. */
  readonly reportOf: (inputs: PartInputs) => KeyReport | undefined;
}

/** The access key of an account: made once, published whole, rotated, and never lost track of. */
export class AccessKeyPart implements Part {
  readonly #options: AccessKeyPartOptions;
  /** By object: which credential report a live look was already taken for. */
  readonly #lookedFor = new Map<string, number>();
  /** By key: when CloudTrail was last asked who made it. */
  readonly #asked = new Map<string, number>();

  constructor(options: AccessKeyPartOptions) {
    this.#options = options;
  }

  async bring(inputs: PartInputs): Promise<PartOutcome> {
    const { pass, user, opening } = inputs;
    const { account } = pass;
    const access = account.spec.programmatic?.access ?? 'Unmanaged';
    const memory = keyMemoryOf(account, user.userId);
    if (access === 'Unmanaged') {
      return this.#leave(inputs, memory);
    }
    if (!pass.declared.enabled || (!opening && remembered(user.tags) !== undefined)) {
      // A disable has switched off what there was; nothing is made, rotated or deleted meanwhile.
      const keys = account.status?.accessKeys?.map((key) => ({ ...key, status: 'Inactive' as const }));
      return { ...nothingDone(inputs), status: keyStatus(keys, memory) };
    }
    const report = this.#options.reportOf(inputs);
    const work = new KeyWork({
      ...this.#options,
      inputs,
      access,
      report,
      lookAnyway: pass.forced || opening || this.#contradicted(account, report),
      asked: this.#asked,
    });
    const outcome = await work.run();
    if (report !== undefined && work.looked) {
      this.#lookedFor.set(keyString(keyOf(account)), report.asOf);
    }
    return outcome;
  }

  async release(account: AwsAccount, signal: AbortSignal): Promise<void> {
    const { spec, metadata, status } = account;
    const noted =
      metadata.annotations?.[annotations.accessKeys] ?? metadata.annotations?.[annotations.console];
    if ((spec.programmatic ?? spec.console ?? noted ?? status?.credentialsSecretName) === undefined) {
      return;
    }
    const names = new Set([vaultName(account), keySecretOf(account) ?? vaultName(account)]);
    for (const name of names) {
      await this.#options.vault.release(account, name, signal);
    }
    this.#lookedFor.delete(keyString(keyOf(account)));
  }

  /** Keys are not touched. What is remembered of them is old by the time that they are again. */
  async #leave(inputs: PartInputs, memory: KeyMemory | undefined): Promise<PartOutcome> {
    const { account, signal } = inputs.pass;
    if (memory === undefined || memory.lapsed === true) {
      return { ...nothingDone(inputs), status: keyStatus(undefined, memory) };
    }
    const note =
      memory.baseline === true ? null : writeKeyMemory({ ...memory, lapsed: true }, inputs.user.userId);
    const noted = { annotations: { [annotations.accessKeys]: note } };
    const latest = await this.#options.record.remember(account, noted, signal);
    return { ...nothingDone(inputs), account: latest, status: keyStatus(undefined, memory) };
  }

  /** Whether the report shows other keys than the last look, and no look was taken for that report. */
  #contradicted(account: AwsAccount, report: KeyReport | undefined): boolean {
    if (report === undefined || this.#lookedFor.get(keyString(keyOf(account))) === report.asOf) {
      return false;
    }
    const seen = account.status?.accessKeys ?? [];
    const newest = Math.max(0, ...seen.map(({ createdAt }) => Date.parse(createdAt ?? '') || 0));
    const active = seen.filter(({ status }) => status === 'Active').length;
    return report.asOf > newest && report.keys.filter((key) => key.active).length !== active;
  }
}
