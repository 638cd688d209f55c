/** The states that the vendor's documents name; how IDHub spells them is not public. */
export const connectorStates = ['NOT_CONFIGURED', 'UP', 'DOWN', 'OUT_OF_SERVICE', 'UNKNOWN'] as const;

export type ConnectorState = (typeof connectorStates)[number];

/** How IDHub is told of each state. */
export type StateNames = Readonly<Record<ConnectorState, string>>;

/** Where nobody says otherwise. */
export const ownStateNames: StateNames = {
  NOT_CONFIGURED: 'NOT_CONFIGURED',
  UP: 'UP',
  DOWN: 'DOWN',
  OUT_OF_SERVICE: 'OUT_OF_SERVICE',
  UNKNOWN: 'UNKNOWN',
};

/** How something that the connector needs is doing. */
export interface Part {
  readonly name: string;
  readonly state: ConnectorState;
  /** For people; no secret in it. */
  readonly message: string;
}

export interface ConnectorHealth {
  /** As IDHub is told. */
  readonly status: string;
  readonly message: string;
  readonly parts: readonly { readonly name: string; readonly status: string; readonly message: string }[];
}

/** What is worse for whoever relies on it comes first. */
const worstFirst: readonly ConnectorState[] = ['OUT_OF_SERVICE', 'DOWN', 'NOT_CONFIGURED', 'UNKNOWN', 'UP'];

/**
 * The body of `/connector/health`: as bad as the worst of the AWS account and of IDHub itself. A connector that was
 * given no way to IDHub works without: IDHub asks it, and it asks nobody.
 * @param target the AWS account
 */
export function connectorHealth(
  target: Omit<Part, 'name'>,
  idhub: Omit<Part, 'name'>,
  names: StateNames,
): ConnectorHealth {
  const parts: readonly Part[] = [
    { name: 'aws', ...target },
    { name: 'idhub', ...idhub },
  ];
  const counting = parts.filter(({ name, state }) => name !== 'idhub' || state !== 'NOT_CONFIGURED');
  const state = worstFirst.find((each) => counting.some((part) => part.state === each)) ?? 'UNKNOWN';
  const because = counting.filter((part) => part.state === state).map(({ message }) => message);
  return {
    status: names[state],
    message: because.join('; '),
    parts: parts.map((part) => ({ name: part.name, status: names[part.state], message: part.message })),
  };
}

/**
 * Reads names of states, as `UNKNOWN=Unresolved,NOT_CONFIGURED=Not Configured`; states that are not named keep
 * theirs.
 * @returns a sentence where that cannot be read
 */
export function readStateNames(text: string): { readonly names: StateNames } | { readonly problem: string } {
  const names: Record<ConnectorState, string> = { ...ownStateNames };
  for (const entry of text.split(',').filter((each) => each.trim() !== '')) {
    const at = entry.indexOf('=');
    const given = entry.slice(0, Math.max(0, at)).trim().toUpperCase();
    const state = connectorStates.find((each) => each === given);
    const name = entry.slice(at + 1).trim();
    if (state === undefined || !/^[\w .-]{1,40}$/.test(name)) {
      return {
        problem: `"${entry.trim().slice(0, 60)}" names no state: write one of ${connectorStates.join(', ')}, = and a name of at most 40 letters, digits, blanks, dots and dashes`,
      };
    }
    names[state] = name;
  }
  if (new Set(Object.values(names)).size < connectorStates.length) {
    return { problem: 'two states have one name: IDHub could not tell them apart' };
  }
  return { names };
}
