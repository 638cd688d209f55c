import type { NormalizedSchema } from '@smithy/core/schema';
import type { AwsError } from '../errors.ts';
import type { Operation, Service } from './operations.ts';

const NAMESPACE: Partial<Record<Service, string>> = {
  iam: 'https://iam.amazonaws.com/doc/2010-05-08/',
  sts: 'https://sts.amazonaws.com/doc/2011-06-15/',
};

type Write = (value: unknown) => string;

/** Writes replies of the AWS query protocol. A writer is compiled once an operation: pages of 1,000 users are hot. */
export class XmlCodec {
  readonly #writers = new Map<NormalizedSchema, Write>();

  reply(operation: Operation, output: Readonly<Record<string, unknown>>, requestId: string): string {
    const { name, service } = operation;
    const result = operation.output.isStructSchema()
      ? `<${name}Result>${this.#writer(operation.output)(output)}</${name}Result>`
      : '';
    return `<${name}Response xmlns="${NAMESPACE[service] ?? ''}">${result}<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></${name}Response>`;
  }

  error(service: Service, error: AwsError, requestId: string): string {
    const type = error.status >= 500 ? 'Receiver' : 'Sender';
    return `<ErrorResponse xmlns="${NAMESPACE[service] ?? ''}"><Error><Type>${type}</Type><Code>${escapeXml(error.code)}</Code><Message>${escapeXml(error.message)}</Message></Error><RequestId>${requestId}</RequestId></ErrorResponse>`;
  }

  #writer(schema: NormalizedSchema): Write {
    const known = this.#writers.get(schema);
    if (known !== undefined) {
      return known;
    }
    const made = compile(schema, new Map());
    this.#writers.set(schema, made);
    return made;
  }
}

function compile(schema: NormalizedSchema, ancestors: ReadonlyMap<string, () => Write>): Write {
  if (schema.isStructSchema()) {
    const name = schema.getName(true) ?? '';
    const recursive = ancestors.get(name);
    if (recursive !== undefined) {
      return (value) => recursive()(value);
    }
    let self: Write = () => '';
    const known = new Map(ancestors).set(name, () => self);
    const members = [...schema.structIterator()].map(([member, of]) => ({
      member,
      open: `<${member}>`,
      close: `</${member}>`,
      write: compile(of, known),
    }));
    self = (value) => {
      let text = '';
      const record = value as Readonly<Record<string, unknown>>;
      for (const { member, open, close, write } of members) {
        const item = record[member];
        if (item !== undefined && item !== null) {
          text += open + write(item) + close;
        }
      }
      return text;
    };
    return self;
  }
  if (schema.isListSchema()) {
    const write = compile(schema.getValueSchema(), ancestors);
    return (value) => {
      let text = '';
      for (const item of value as readonly unknown[]) {
        text += `<member>${write(item)}</member>`;
      }
      return text;
    };
  }
  if (schema.isMapSchema()) {
    const write = compile(schema.getValueSchema(), ancestors);
    return (value) =>
      Object.entries(value as object)
        .map(([key, item]) => `<entry><key>${escapeXml(key)}</key><value>${write(item)}</value></entry>`)
        .join('');
  }
  if (schema.isTimestampSchema()) {
    return (value) => `${(value as Date).toISOString().slice(0, 19)}Z`;
  }
  if (schema.isBlobSchema()) {
    return (value) => Buffer.from(value as Uint8Array).toString('base64');
  }
  return (value) => escapeXml(String(value));
}

const SPECIAL = /[&<>"'\r\n\t]/;

/** Escapes text and keeps line ends and tabs through XML's white-space rules. */
function escapeXml(text: string): string {
  if (!SPECIAL.test(text)) {
    return text;
  }
  return text.replaceAll(/[&<>"'\r\n\t]/g, (character) => {
    switch (character) {
      case '&':
        return '&amp;';
      case '<':
        return '&lt;';
      case '>':
        return '&gt;';
      case '"':
        return '&quot;';
      default:
        return `&#${character.charCodeAt(0)};`;
    }
  });
}
