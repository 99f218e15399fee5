// Which of the threads this is: each has an instance of the module, and so its own globals.

/** 0 for the thread that runs the program. */
export let ownThread: u32 = 0;

/** To be called once, before any kernel. */
export function setThread(thread: u32): void {
  ownThread = thread;
}
