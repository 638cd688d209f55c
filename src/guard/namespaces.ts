/**
 * Whether objects of a namespace may use a connection: its own always, others where it lists them or
 * `*`. Pure.
 */
export function namespaceAllowed(
  connection: { readonly namespace: string },
  allowedNamespaces: readonly string[] | undefined,
  namespace: string,
): boolean {
  return (
    connection.namespace === namespace ||
    allowedNamespaces?.some((each) => each === '*' || each === namespace) === true
  );
}
