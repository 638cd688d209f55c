import { awsConnectionType, type AwsConnection } from '../api/v1alpha1/index.ts';
import { keyOf, type Client, type Informer } from '../runtime/index.ts';

/**
 * Writes a note of ours on a connection, as it was read; null takes it away.
 * @throws {ApiError} a conflict, where anything of the connection was written since
 */
export async function noteOnConnection(
  { client, connections }: { readonly client: Client; readonly connections: Informer<AwsConnection> },
  connection: AwsConnection,
  annotation: string,
  text: string | null,
  signal: AbortSignal,
): Promise<AwsConnection> {
  const { uid, resourceVersion } = connection.metadata;
  const written = await client.mergePatch(
    awsConnectionType,
    keyOf(connection),
    { metadata: { uid, resourceVersion, annotations: { [annotation]: text } } },
    { signal },
  );
  connections.set(written);
  return written;
}
