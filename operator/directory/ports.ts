import type {
  AccountWrite,
  ConnectionName,
  DirectoryView,
  WriteContext,
  WriteOutcome,
} from '../../src/idhub/index.ts';

/** The writing half of a `Directory`, for any connection. Outcomes and errors are those of `Directory`. */
export interface DirectoryWrites {
  create(
    connection: ConnectionName,
    write: AccountWrite & { readonly userName: string },
    context: WriteContext,
  ): Promise<WriteOutcome>;
  change(
    connection: ConnectionName,
    id: string,
    write: AccountWrite,
    context: WriteContext,
  ): Promise<WriteOutcome>;
  remove(connection: ConnectionName, id: string, context: WriteContext): Promise<WriteOutcome>;
}

/** What writes look single accounts up in. */
export interface LatestViews {
  /**
   * What is known of an AWS account now, our own writes included, whether or not lists may be made of it: somebody
   * who has to be shut out does not wait for a breaker. No await between a write and this is needed.
   * @throws {DirectoryUnavailableError} where there is no connection that may be used, or no reading of it yet
   */
  latest(connection: ConnectionName): DirectoryView;
}
