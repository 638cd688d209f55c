import type { AwsApi } from '../../../src/aws/index.ts';
import { EdgeDesk, PolicyCatalogue } from '../../../src/entitlement/index.ts';
import type { Clock } from '../../runtime/index.ts';
import type { UsableConnection } from '../connection/index.ts';

/** What bindings share of a connection, for as long as its client lives. */
export interface ConnectionDesk {
  readonly edges: EdgeDesk;
  readonly catalogue: PolicyCatalogue;
}

/** Keeps one desk a client: new credentials may see another account. */
export class ConnectionDesks {
  readonly #clock: Clock;
  readonly #desks = new WeakMap<AwsApi, ConnectionDesk>();

  constructor(options: { readonly clock: Clock }) {
    this.#clock = options.clock;
  }

  of({ api, snapshots }: Pick<UsableConnection, 'api' | 'snapshots'>): ConnectionDesk {
    const clock = this.#clock;
    let desk = this.#desks.get(api);
    if (desk === undefined) {
      desk = {
        edges: new EdgeDesk({ api, ledger: snapshots, clock }),
        catalogue: new PolicyCatalogue({ api, clock }),
      };
      this.#desks.set(api, desk);
    }
    return desk;
  }
}
