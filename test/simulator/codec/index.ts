export { parseJson, writeJson, writeJsonError } from './json.ts';
export { findOperation, type Operation, type Service } from './operations.ts';
export { parseQuery } from './query.ts';
export { XmlCodec } from './xml.ts';
