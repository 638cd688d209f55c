export { matches, type Match } from './evaluate.ts';
export type { Filter, FilterAttribute, Lookup, Operand, Value } from './model.ts';
export { parseFilter, type FilterLanguage, type ParsedFilter } from './parse.ts';
export { canonical, pathPrefix } from './text.ts';
