/* The words that every function of the SDK is tagged with. They mean the same everywhere.
 *
 * Threads: where a function may be called (of ours), or where it will be called (of yours).
 *   [main]    the control thread: load, reload, shutdown. One at a time. It may take its time, but not for
 *             ever: whoever asked for the reload waits.
 *   [worker]  the one worker that the exchange belongs to. It serves thousands of others as well: nothing
 *             there may wait for a disk, a lock that is held for long, another process or another machine.
 *             gantry.async/1 is for all of these.
 *   [any]     any thread, also of your own, also several at once.
 *
 * States of an instance:
 *   [loading]  prepare() and configure() run. Keys are read and hooks added, and only now.
 *   [running]  committed: requests come.
 *   [drained]  retire() was called: the last exchange is over.
 *
 * Ownership of what a pointer points to:
 *   [borrow:call]      valid until the function returns. This holds where nothing else is said.
 *   [borrow:exchange]  valid until the exchange is over: up to and including the log phase, or drop().
 *   [borrow:instance]  valid until the instance is retired.
 *   [give]             the caller owns it now, and gives it back by the function that is named.
 *   [take]             the callee owns it now, also where the call fails.
 * No memory is allocated on one side and freed on the other.
 */
#ifndef GANTRY_THREADS_H
#define GANTRY_THREADS_H
#endif
