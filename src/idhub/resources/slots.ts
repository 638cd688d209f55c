import { attribute, type Attribute, type JsonValue } from '../../scim/index.ts';
import { isWritten, type AccountSchema, type AttributeDefinition } from '../../schema/index.ts';
import type { DirectoryAccount } from '../model.ts';
import type { Field } from './kind.ts';

/** Where an attribute of the account schema stands in a body. */
export interface Slot {
  readonly definition: AttributeDefinition;
  readonly place: Place;
}

export type Place =
  /** `title` */
  | { readonly kind: 'plain'; readonly extension?: string; readonly name: string }
  /** `name.givenName` */
  | { readonly kind: 'part'; readonly name: string; readonly part: string }
  /** `emails[type eq "work"].value` */
  | { readonly kind: 'element'; readonly name: string; readonly type: string; readonly part: string };

/** What is told of the account schema: all but what nobody synchronises. */
export function toldAttributes(schema: AccountSchema): readonly AttributeDefinition[] {
  return [...schema.values()].filter(({ syncDirection }) => syncDirection !== 'no-sync');
}

/** The characteristics that an attribute has by its definition. */
export function characteristics(
  definition: AttributeDefinition,
): Pick<Attribute, 'mutability'> & Partial<Pick<Attribute, 'canonicalValues'>> {
  const { canonicalValues } = definition;
  return {
    mutability: isWritten(definition) ? 'readWrite' : 'readOnly',
    ...(canonicalValues === undefined ? {} : { canonicalValues }),
  };
}

export function plainField(
  name: string,
  description: string,
  definition: AttributeDefinition,
  caseExact = false,
): Field<DirectoryAccount> {
  return {
    attribute: attribute({ name, description, caseExact, ...characteristics(definition) }),
    read: (account) => valueOf(account, definition),
  };
}

/** An attribute with parts: one value, or a list of one where it is told by its type (`emails`). */
export function composedField(options: {
  readonly name: string;
  readonly description: string;
  /** Of the one element of a list. */
  readonly type?: string;
  readonly parts: readonly {
    readonly name: string;
    readonly description: string;
    readonly definition: AttributeDefinition;
  }[];
}): Field<DirectoryAccount> {
  const { name, description, type, parts } = options;
  const written = parts.some(({ definition }) => isWritten(definition));
  const mutability = written ? 'readWrite' : 'readOnly';
  const subAttributes = parts.map((part) =>
    attribute({
      name: part.name,
      description: part.description,
      ...characteristics(part.definition),
    }),
  );
  return {
    attribute: attribute({
      name,
      description,
      type: 'complex',
      mutability,
      multiValued: type !== undefined,
      subAttributes:
        type === undefined
          ? subAttributes
          : [
              ...subAttributes,
              attribute({
                name: 'type',
                description: `Which of several it is: there is one, of type ${type}.`,
                mutability,
                canonicalValues: [type],
              }),
            ],
    }),
    read: (account) => {
      const values: Record<string, JsonValue> = {};
      for (const part of parts) {
        const value = valueOf(account, part.definition);
        if (value !== undefined) {
          values[part.name] = value;
        }
      }
      if (Object.keys(values).length === 0) {
        return undefined;
      }
      return type === undefined ? values : [{ ...values, type }];
    },
  };
}

function valueOf({ attributes }: DirectoryAccount, { name }: AttributeDefinition): string | undefined {
  return Object.hasOwn(attributes, name) ? attributes[name] : undefined;
}
