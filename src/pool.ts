import { availableParallelism } from 'node:os';
import { isMainThread, parentPort, receiveMessageOnPort, Worker, workerData } from 'node:worker_threads';

/**
 * Threads that call kernels on a shared memory; all pools of so many threads have the same ones. Which thread runs which
 * task is chance; a task's result must not depend on it, and tasks of one run must not write to the same places, but for
 * room that is a thread's own: `setThread` of a module is told its number, which is 0 for the one that made the pool.
 */
export interface Pool {
  /** Calls kernel `name` with the arguments of each task; returns when all are done. */
  run(name: string, tasks: readonly (readonly number[])[]): void;
}

type Kernels = Readonly<Record<string, (...args: number[]) => void>>;

/**
 * Words of the control block: what the run is and on which pool's memory, whether threads look before they sleep; then
 * each worker's state, APART words from the one before and so in a cache line of its own.
 */
const NEXT = 0;
const COUNT = 1;
const KERNEL = 2;
const MEMORY = 3;
const FAILED = 4;
const LOOKING = 5;
const APART = 32;

/** A worker's states, after 0 while it starts up. A call that it has not answered can be taken back. */
const IDLE = 1;
const CALLED = 2;
const WORKING = 3;

const MOST_TASKS = 4096;
const MOST_ARGUMENTS = 24;

/** Milliseconds without a sign of the workers after which a run gives up: a block of documents takes a thousandth of it. */
const PATIENCE = 120_000;

interface Shared {
  readonly module: WebAssembly.Module;
  /** Kernels by number. */
  readonly names: readonly string[];
  readonly control: Int32Array;
  readonly tasks: Float64Array;
  readonly worker: number;
}

/** The other threads of all pools of so many threads and one module: a thread takes 9 MB. They end with the process. */
interface Team extends Pick<Shared, 'module' | 'control' | 'tasks'> {
  readonly threads: number;
  readonly others: readonly Worker[];
  /** How many memories there are, which are numbered as they come. */
  memories: number;
}

const teams: Team[] = [];

function startTeam(threads: number, module: WebAssembly.Module, names: readonly string[]): Team {
  const workers = threads - 1;
  const control = new Int32Array(new SharedArrayBuffer(4 * APART * (1 + workers)));
  control[LOOKING] = threads <= availableParallelism() ? 1 : 0;
  const tasks = new Float64Array(new SharedArrayBuffer(8 * MOST_TASKS * MOST_ARGUMENTS));
  const others = Array.from({ length: workers }, (_, worker) => {
    const shared: Shared = { module, names, control, tasks, worker };
    const other = new Worker(new URL(import.meta.url), { workerData: shared });
    other.unref();
    return other;
  });
  const team = { threads, module, control, tasks, others, memories: 0 };
  teams.push(team);
  return team;
}

/**
 * A pool of `threads`, this one among them. The others start in the background: runs use those that are ready. They keep
 * the memory until the process ends.
 *
 * @param kernels the kernels of `module` on `memory`, for this thread
 */
export function createPool(
  threads: number,
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  kernels: Kernels,
): Pool {
  const names = Object.keys(kernels);
  const team =
    teams.find((team) => team.threads === threads && team.module === module) ?? startTeam(threads, module, names);
  const { control, tasks, others } = team;
  const ofMemory = team.memories++;
  for (const other of others) other.postMessage(memory);

  /** Calls workers that are idle, so many at most. */
  function callWorkers(most: number): void {
    for (let worker = 1, called = 0; worker <= others.length && called < most; worker++) {
      if (Atomics.compareExchange(control, APART * worker, IDLE, CALLED) !== IDLE) continue;
      Atomics.notify(control, APART * worker);
      called++;
    }
  }

  /** Waits for those that work; those that have not begun need not any more. */
  function awaitWorkers(): void {
    for (let at = APART; at <= APART * others.length; at += APART) {
      if (Atomics.compareExchange(control, at, CALLED, IDLE) !== WORKING) continue;
      if (!awaitChange(control, at, WORKING, PATIENCE)) throw new Error('a worker thread is gone');
    }
  }

  return {
    run(name, list) {
      if (list.length > MOST_TASKS) throw new RangeError(`got ${list.length} tasks, expected at most ${MOST_TASKS}`);
      for (const [task, args] of list.entries()) {
        if (args.length > MOST_ARGUMENTS) throw new RangeError(`got ${args.length} arguments of ${name}`);
        tasks.set(args, task * MOST_ARGUMENTS);
      }
      control[COUNT] = list.length;
      control[KERNEL] = names.indexOf(name);
      control[MEMORY] = ofMemory;
      control[FAILED] = 0;
      Atomics.store(control, NEXT, 0);
      callWorkers(list.length - 1);
      try {
        work(control, tasks, kernels[name]!);
      } finally {
        awaitWorkers();
      }
      if (Atomics.load(control, FAILED) !== 0) throw new Error(`the kernel ${name} failed in a worker thread`);
    },
  };
}

/**
 * How often a thread looks before it sleeps: some tens of microseconds, as long as waking it would take. Where there are
 * more threads than processors it does not: it would keep from work what it waits for.
 */
const LOOKS = 20_000;

/** Waits until a word of the control block is no longer `value`; false if it takes longer than `timeout` milliseconds. */
function awaitChange(control: Int32Array, index: number, value: number, timeout?: number): boolean {
  const looks = control[LOOKING] === 1 ? LOOKS : 0;
  for (let look = 0; look < looks; look++) if (Atomics.load(control, index) !== value) return true;
  return Atomics.wait(control, index, value, timeout) !== 'timed-out';
}

/** Takes tasks until none is left. */
function work(control: Int32Array, tasks: Float64Array, kernel: (...args: number[]) => void): void {
  for (let task = Atomics.add(control, NEXT, 1); task < control[COUNT]!; task = Atomics.add(control, NEXT, 1)) {
    // of all that is there a kernel takes as many as it has
    const args: ArrayLike<number> = tasks.subarray(task * MOST_ARGUMENTS, (task + 1) * MOST_ARGUMENTS);
    kernel.apply(undefined, args as number[]);
  }
}

function serve({ module, names, control, tasks, worker }: Shared): never {
  /** By the number of their memory; these come in order. */
  const kernels: Kernels[] = [];
  const at = APART * (worker + 1);
  Atomics.store(control, at, IDLE);
  for (;;) {
    awaitChange(control, at, IDLE);
    if (Atomics.compareExchange(control, at, CALLED, WORKING) !== CALLED) continue;
    try {
      while (kernels.length <= control[MEMORY]!) {
        const memory: WebAssembly.Memory = receiveMessageOnPort(parentPort!)!.message;
        const own = new WebAssembly.Instance(module, { env: { memory } }).exports as Kernels;
        own['setThread']!(worker + 1);
        kernels.push(own);
      }
      work(control, tasks, kernels[control[MEMORY]!]![names[control[KERNEL]!]!]!);
    } catch {
      Atomics.store(control, FAILED, 1);
    }
    Atomics.store(control, at, IDLE);
    Atomics.notify(control, at);
  }
}

if (!isMainThread && (workerData as Shared | undefined)?.control instanceof Int32Array) serve(workerData as Shared);
