import { ownStateNames, readStateNames, type StateNames } from '../src/idhub/index.ts';

/** How the connector describes itself to IDHub. */
export interface DescribeConfig {
  readonly businessOwner: string | undefined;
  readonly itOwner: string | undefined;
  readonly states: StateNames;
}

export const describeFlags = {
  'business-owner': {
    type: 'string',
    value: 'NAME',
    fallback: '',
    text: 'who answers for the application that IDHub makes of the connector; default nobody is named',
  },
  'it-owner': {
    type: 'string',
    value: 'NAME',
    fallback: '',
    text: 'who runs it; default nobody is named',
  },
  'connector-states': {
    type: 'string',
    value: 'STATE=NAME,…',
    fallback: '',
    text: 'how IDHub is told of NOT_CONFIGURED, UP, DOWN, OUT_OF_SERVICE and UNKNOWN, such as UNKNOWN=Unresolved; default as they are called here',
  },
} as const;

export type DescribeFlagName = keyof typeof describeFlags;

/** Reads the flags. Pure. @param refuse takes what is expected in place of what a flag is */
export function readDescribeConfig(
  text: (name: DescribeFlagName) => string,
  refuse: (name: DescribeFlagName, expected: string) => void,
): DescribeConfig {
  const owner = (name: 'business-owner' | 'it-owner'): string | undefined => {
    const value = text(name).trim();
    if (/\p{Cc}/u.test(value) || value.length > 256) {
      refuse(name, 'write a name of at most 256 characters');
    }
    return value || undefined;
  };
  const read = readStateNames(text('connector-states'));
  if ('problem' in read) {
    refuse('connector-states', read.problem);
  }
  return {
    businessOwner: owner('business-owner'),
    itOwner: owner('it-owner'),
    states: 'names' in read ? read.names : ownStateNames,
  };
}
