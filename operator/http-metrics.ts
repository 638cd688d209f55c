import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { noMount, type Answered, type CertificateNews } from './http/index.ts';

/** Statuses that an alert counts. */
const refusals = [401, 403] as const;

/** What the port for IDHub and for people counts. Label sets are closed: no names of callers, no paths. */
export interface HttpMetrics {
  /** Tells it the names of the parts of the port, once. */
  readonly serves: (mounts: readonly string[]) => void;
  readonly observeRequest: (answered: Answered) => void;
  readonly countRefusedLogin: () => void;
  /** A disable or a deletion, since its caller had asked for too many. */
  readonly countHeldBack: () => void;
  readonly certificate: CertificateNews;
}

export function createHttpMetrics(registry: Registry): HttpMetrics {
  const registers = [registry];
  const requests = new Counter({
    name: 'idhub_http_requests_total',
    help: 'Answers of --http-address by part of it, such as reports (none: no path that there is), and by HTTP status.',
    labelNames: ['mount', 'code'],
    registers,
  });
  const seconds = new Histogram({
    name: 'idhub_http_request_duration_seconds',
    help: 'Time from the head of a request to --http-address to the end of its answer.',
    labelNames: ['mount'],
    buckets: [0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30],
    registers,
  });
  const refusedLogins = new Counter({
    name: 'idhub_http_refused_logins_total',
    help: 'Requests to --http-address with credentials that nobody has, or with none.',
    registers,
  });
  const heldBack = new Counter({
    name: 'idhub_http_shutouts_held_back_total',
    help: 'Disables and deletions that were answered 429, since their caller asked for more than is done at once.',
    registers,
  });
  const expiry = new Gauge({
    name: 'idhub_http_certificate_expiry_timestamp_seconds',
    help: 'When the certificate of --http-address expires, seconds since 1970; 0 without TLS.',
    registers,
  });
  const refusedCertificates = new Counter({
    name: 'idhub_http_certificate_refused_total',
    help: 'Looks at the files of the certificate, one each 10 s, that found no pair that can be used; the one before stays in use.',
    registers,
  });
  return {
    // From 0 on: of a series that begins with 1,000, Prometheus sees no increase, so that nobody would be told.
    serves: (mounts) => {
      for (const mount of [...mounts, noMount]) {
        refusals.forEach((code) => requests.inc({ mount, code }, 0));
      }
    },
    observeRequest: ({ mount, code, seconds: took }) => {
      requests.inc({ mount, code });
      seconds.observe({ mount }, took);
    },
    countRefusedLogin: () => refusedLogins.inc(),
    countHeldBack: () => heldBack.inc(),
    certificate: {
      loaded: (validTo) => expiry.set(validTo / 1_000),
      refused: () => refusedCertificates.inc(),
    },
  };
}
