import { readdir, readFile, readlink } from 'node:fs/promises';
import type { StartedProcess } from './process.ts';

/** Flag of Node with which `heapOf` can look into a process. */
export const inspectable = '--inspect=127.0.0.1:0';

interface Answer {
  readonly id?: number;
  readonly result?: { readonly usedSize?: number };
  readonly error?: { readonly message: string };
}

/** What a process holds in its JavaScript heap after a full collection, bytes. It was started with `inspectable`. */
export async function heapOf(process_: StartedProcess): Promise<number> {
  const line = await process_.line((each) => each.startsWith('Debugger listening on '));
  const socket = new WebSocket(line.slice('Debugger listening on '.length));
  try {
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener('open', () => resolve());
      socket.addEventListener('error', () => reject(new Error(`cannot inspect process ${process_.pid}`)));
    });
    await ask(socket, 1, 'HeapProfiler.collectGarbage');
    // What finalizers let go of in the first round goes in the second.
    await ask(socket, 2, 'HeapProfiler.collectGarbage');
    const { usedSize } = await ask(socket, 3, 'Runtime.getHeapUsage');
    if (usedSize === undefined) {
      throw new Error(`process ${process_.pid} does not say how large its heap is`);
    }
    return usedSize;
  } finally {
    socket.close();
  }
}

/** One command of the Chrome DevTools protocol, https://chromedevtools.github.io/devtools-protocol/. */
function ask(socket: WebSocket, id: number, method: string): Promise<NonNullable<Answer['result']>> {
  return new Promise((resolve, reject) => {
    const take = ({ data }: MessageEvent): void => {
      const answer = JSON.parse(String(data)) as Answer;
      if (answer.id === id) {
        socket.removeEventListener('message', take);
        if (answer.result === undefined) {
          reject(new Error(`${method}: ${answer.error?.message}`));
        } else {
          resolve(answer.result);
        }
      }
    };
    socket.addEventListener('message', take);
    socket.addEventListener('close', () =>
      reject(new Error(`${method}: the process has closed the connection`)),
    );
    socket.send(JSON.stringify({ id, method }));
  });
}

/** How many TCP sockets a process has open to a port of 127.0.0.1 (proc(5): fd, net/tcp). */
export async function socketsTo(pid: number, port: number): Promise<number> {
  const folder = `/proc/${pid}/fd`;
  const inodes = new Set(
    await Promise.all(
      (await readdir(folder)).map(async (fd) => {
        // It may be closed by now.
        const target = await readlink(`${folder}/${fd}`).catch(() => '');
        return /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? '';
      }),
    ),
  );
  const hexadecimal = port.toString(16).toUpperCase().padStart(4, '0');
  const rows = (await readFile(`/proc/${pid}/net/tcp`, 'utf8')).trim().split('\n').slice(1);
  return rows.filter((row) => {
    const fields = row.trim().split(/\s+/);
    return fields[2]?.endsWith(`:${hexadecimal}`) === true && inodes.has(fields[9] ?? '');
  }).length;
}
