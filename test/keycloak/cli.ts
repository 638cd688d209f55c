/** `npm run keycloak`: fetches and builds the Keycloak that tests use, where the cache does not have it whole. */
import { ensureKeycloak } from './distribution.ts';

const { home } = await ensureKeycloak({ environment: process.env, log: (line) => console.error(line) });
console.log(`Keycloak is in ${home}`);
