export {
  canonical,
  matches,
  parseFilter,
  pathPrefix,
  type FilterAttribute,
  type FilterLanguage,
  type Match,
  type Value,
} from './filter/index.ts';
