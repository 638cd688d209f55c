import type { Registry } from 'prom-client';
import { TokenBucket } from './backoff.ts';
import type { Clock } from './clock.ts';
import type { Client, EventNote, EventRecorder } from './contracts.ts';
import { ApiError, NotLeadingError, isNotFound } from './errors.ts';
import type { Logger } from './logger.ts';
import { eventMetrics } from './metrics.ts';
import type { KubeObject, ResourceType } from './types.ts';

/** `events.k8s.io/v1` Event. */
interface KubeEvent extends KubeObject {
  eventTime: string;
  series?: { count: number; lastObservedTime: string };
  reportingController: string;
  reportingInstance: string;
  action: string;
  reason: string;
  regarding: object;
  note: string;
  type: string;
}

const eventType: ResourceType<KubeEvent> = {
  group: 'events.k8s.io',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
  namespaced: true,
};

const queueLimit = 1_000;
const seriesLimit = 4_096;
/** Alike within this time are one event with a count. */
const seriesMs = 600_000;
const tries = 3;
/** The API server's limits (pkg/apis/core/validation/events.go). */
const longestNote = 1_024;
const longestWord = 128;

interface Series {
  readonly event: KubeEvent;
  count: number;
  lastAt: number;
  /** The API server has it. */
  created: boolean;
  queued: boolean;
}

export interface EventRecorderOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly registry: Registry;
  /** The controller's name, such as `example.org/controller`. */
  readonly reportingController: string;
  /** This process, such as the pod's name. */
  readonly reportingInstance: string;
}

/** A recorder that can be waited for. */
export interface QueueingEventRecorder extends EventRecorder {
  /** Resolves once everything queued was written or dropped. */
  idle(): Promise<void>;
}

/**
 * Writes events one after another, 10 a second at most after a burst of 100. Alike ones within ten
 * minutes raise the count of the first. What cannot be written (a namespace on its way out, a full
 * queue) is counted in `event_recorder_dropped_total` and otherwise forgotten.
 */
export function createEventRecorder(options: EventRecorderOptions): QueueingEventRecorder {
  const { client, clock, logger, registry } = options;
  const { dropped } = eventMetrics(registry);
  const all = new Map<string, Series>();
  const queue: Series[] = [];
  const bucket = new TokenBucket({ clock, perSecond: 10, burst: 100 });
  let pumping: Promise<void> | undefined;
  let made = 0;

  const eventFor = (object: KubeObject, note: EventNote, now: number): KubeEvent => {
    const { metadata, apiVersion, kind } = object;
    const namespace = metadata.namespace ?? 'default';
    const suffix = `.${now.toString(16)}${(made++ % 4096).toString(16).padStart(3, '0')}`;
    return {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { namespace, name: `${metadata.name.slice(0, 253 - suffix.length)}${suffix}` },
      eventTime: microTime(now),
      reportingController: options.reportingController.slice(0, longestWord),
      reportingInstance: options.reportingInstance.slice(0, longestWord),
      action: note.action.slice(0, longestWord),
      reason: note.reason.slice(0, longestWord),
      regarding: {
        apiVersion,
        kind,
        name: metadata.name,
        namespace: metadata.namespace,
        uid: metadata.uid,
        resourceVersion: metadata.resourceVersion,
      },
      note: cutBytes(note.message, longestNote),
      type: note.type,
    };
  };

  const write = async (series: Series): Promise<void> => {
    const { event } = series;
    const { name: eventName, namespace = '' } = event.metadata;
    const counted = { count: series.count, lastObservedTime: microTime(series.lastAt) };
    if (series.created && series.count > 1) {
      try {
        const key = { namespace, name: eventName };
        await client.mergePatch(eventType, key, { series: counted });
        return;
      } catch (error) {
        if (!isNotFound(error)) {
          throw error;
        }
      }
    }
    await client.create(eventType, series.count > 1 ? { ...event, series: counted } : event);
    series.created = true;
  };

  const attempt = async (series: Series): Promise<void> => {
    for (let failures = 1; ; failures += 1) {
      try {
        await write(series);
        return;
      } catch (error) {
        const refused =
          error instanceof NotLeadingError ||
          (error instanceof ApiError && error.code < 500 && error.code !== 429);
        if (refused || failures === tries) {
          dropped.inc({ cause: refused ? 'refused' : 'failed' });
          logger.debug('an event was not written', { reason: series.event.reason, error });
          return;
        }
        await clock.sleep(1_000 * failures);
      }
    }
  };

  const pump = async (): Promise<void> => {
    for (let series = queue.shift(); series !== undefined; series = queue.shift()) {
      series.queued = false;
      const waitMs = bucket.take();
      if (waitMs > 0) {
        await clock.sleep(waitMs);
      }
      await attempt(series);
    }
  };

  const start = (): void => {
    pumping = pump().finally(() => {
      pumping = undefined;
      if (queue.length > 0) {
        start();
      }
    });
  };

  const forget = (now: number): void => {
    for (const [key, series] of all) {
      if (!series.queued && (now - series.lastAt > seriesMs || all.size > seriesLimit)) {
        all.delete(key);
      }
    }
  };

  const record = (object: KubeObject, note: EventNote): void => {
    const now = clock.now();
    const { uid, name: objectName, namespace } = object.metadata;
    const key = JSON.stringify([
      [object.kind, namespace, objectName, uid],
      [note.type, note.reason, note.action, note.message],
    ]);
    let series = all.get(key);
    if (series !== undefined && now - series.lastAt <= seriesMs) {
      series.count += 1;
      series.lastAt = now;
    } else {
      const event = eventFor(object, note, now);
      series = { event, count: 1, lastAt: now, created: false, queued: false };
    }
    if (series.queued) {
      return;
    }
    if (queue.length >= queueLimit) {
      dropped.inc({ cause: 'full' });
      return;
    }
    series.queued = true;
    // Again at the end of the map: the oldest are forgotten first.
    all.delete(key);
    all.set(key, series);
    queue.push(series);
    if (all.size > seriesLimit || all.size % 64 === 0) {
      forget(now);
    }
    if (pumping === undefined) {
      start();
    }
  };

  return {
    event: (object, note) => {
      try {
        record(object, note);
      } catch (error) {
        dropped.inc({ cause: 'failed' });
        logger.warn('an event could not be made', { error });
      }
    },
    idle: async () => {
      for (let last = pumping; last !== undefined; last = pumping) {
        await last;
      }
    },
  };
}

function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}

function cutBytes(text: string, most: number): string {
  const bytes = Buffer.from(text);
  return bytes.length <= most
    ? text
    : bytes
        .subarray(0, most)
        .toString('utf8')
        .replace(/\uFFFD+$/, '');
}
