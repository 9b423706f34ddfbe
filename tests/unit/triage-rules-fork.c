/* SPDX-License-Identifier: Apache-2.0 */
/* Each rule of fork-safety, lock-order and shutdown-lock: what it sees, and what it does not. */
#include "tests/unit/pattern-cases.h"

#define MP_CHILD                                                                                   \
	"%_bootstrap =" PY "multiprocessing/process.py:314\n"                                      \
	"%_launch =" PY "multiprocessing/popen_fork.py:71\n"
#define MP_SPAWNED                                                                                 \
	"%_bootstrap =" PY "multiprocessing/process.py:314\n"                                      \
	"%_main =" PY "multiprocessing/spawn.py:135\n"                                             \
	"%spawn_main =" PY "multiprocessing/spawn.py:122\n"

static void lose_owner(struct crash *crash)
{
	wait_set(&crash->threads[0], "mutex", 77, 70);
}

static void keep_owner(struct crash *crash)
{
	wait_set(&crash->threads[0], "mutex", 101, 0);
}

static void be_child(struct crash *crash)
{
	crash->in_child = true;
}

static void wait_for_pipe(struct crash *crash)
{
	crash->in_child = true;
	crash->threads[0].wait.syscall = xstrdup("read");
}

/* The owner is in the parent, and forked. */
static void owner_forked(struct crash *crash)
{
	add_thread(crash, 70, 77, "fork @" LIBC "\nrun @" SERVER "\n")->wait.what =
		xstrdup("child process");
	wait_set(&crash->threads[0], "mutex", 77, 70);
}

static void wait_in_python(struct crash *crash)
{
	wait_set(&crash->threads[0], "PyMutex", 0, 0);
}

/* It waits for a thread that waits for the GIL; or that computes. */
static void owner_awaits_gil(struct crash *crash)
{
	wait_set(&crash->threads[0], "thread join", 101, 0);
	wait_set(&crash->threads[1], "GIL", 0, 0);
}

static void owners_in_circle(struct crash *crash)
{
	wait_set(&crash->threads[0], "mutex", 101, 0);
	wait_set(&crash->threads[1], "mutex", 100, 0);
}

static void listed(struct crash *crash)
{
	crash->threads[0].name = xstrdup("python3");
	crash->threads[0].wait.what = xstrdup("GIL");
}

/* gdb's list of all threads has this one only. */
static void one_thread(struct crash *crash)
{
	crash->one_thread = true;
}

static void poisoned(struct crash *crash)
{
	crash->has_addr = true;
	crash->addr = 0x110;
}

static const struct pattern_case cases[] = {
	{ "lost-owner", "a lock whose owner lives in the parent", true, CRASH_KIND_HANG, 0,
	  "pthread_mutex_lock @" LIBC "\nencode @" CODEC "\n", NULL, NULL, NULL, lose_owner },
	{ "lost-owner", "one whose owner is another thread of the child", false, CRASH_KIND_HANG, 0,
	  "pthread_mutex_lock @" LIBC "\nencode @" CODEC "\n", "encode @" CODEC "\n", NULL, NULL,
	  keep_owner },
	{ "handler-crash", "a handler of the child that frees a list", true, CRASH_KIND_SIGNAL,
	  SIGSEGV, "free @" LIBC "\npool_reset @" CODEC "\nfork @" LIBC "\nrun @" SERVER "\n", NULL,
	  NULL, NULL, be_child },
	{ "handler-crash", "one that terminates by itself", true, CRASH_KIND_SIGNAL, SIGABRT,
	  ABORT "std::terminate() @" LIBSTDCXX "\npool_reset @" CODEC "\nfork @" LIBC "\n", NULL,
	  "terminate called without an active exception\n", NULL, NULL },
	{ "handler-crash", "a crash after fork() came back", false, CRASH_KIND_SIGNAL, SIGSEGV,
	  "free @" LIBC "\npool_reset @" CODEC "\nserve @" SERVER "\n", NULL, NULL, NULL, be_child
	  },
	{ "handler-loop", "a handler that goes round", true, CRASH_KIND_SPIN, 0,
	  "list_clear @" CODEC "\n__run_postfork_handlers @" LIBC "\nfork @" LIBC "\n", NULL, NULL,
	  NULL, NULL },
	{ "handler-loop", "a loop elsewhere", false, CRASH_KIND_SPIN, 0,
	  "list_clear @" CODEC "\n" EVAL, NULL, NULL, NULL, NULL },
	{ "cpython-after-fork", "a child that clears an interpreter", true, CRASH_KIND_SIGNAL,
	  SIGSEGV, "PyInterpreterState_Clear @" LIBPYTHON "\nPyOS_AfterFork_Child @" LIBPYTHON
	  "\nos_fork @" LIBPYTHON "\n", NULL, NULL, NULL, NULL },
	{ "cpython-after-fork", "a hook in Python that calls an extension", false,
	  CRASH_KIND_SIGNAL, SIGSEGV, "reset @" FEED "\n" EVAL "PyOS_AfterFork_Child @" LIBPYTHON
	  "\n", NULL, NULL, NULL, NULL },
	{ "child", "a child that crashed", true, CRASH_KIND_SIGNAL, SIGSEGV, "decode @" CODEC "\n",
	  NULL, NULL, NULL, be_child },
	{ "child", "a child that reads from a pipe", false, CRASH_KIND_HANG, 0,
	  "read @" LIBC "\nwork @" CODEC "\n", NULL, NULL, NULL, wait_for_pipe },
	{ "hang-in-fork", "a fork() that does not return", true, CRASH_KIND_HANG, 0,
	  "pthread_mutex_lock @" LIBC "\nfork @" LIBC "\nrun @" SERVER "\n", NULL, NULL, NULL, NULL
	  },
	{ "hang-in-fork", "a wait for the child", false, CRASH_KIND_HANG, 0,
	  "waitpid @" LIBC "\nrun @" SERVER "\n", NULL, NULL, NULL, NULL },
	{ "handler-stack", "a look at a handler", true, CRASH_KIND_LOOK, 0,
	  "sem_wait @" LIBC "\npause_all @" FEED "\nfork @" LIBC "\n", NULL, NULL, NULL, NULL },
	{ "handler-stack", "a look at libc's own part in fork()", false, CRASH_KIND_LOOK, 0,
	  "_Fork @" LIBC "\nfork @" LIBC "\nrun @" SERVER "\n", NULL, NULL, NULL, NULL },

	{ "fork-abort", "CUDA's refusal", true, CRASH_KIND_SIGNAL, SIGABRT, NULL, NULL,
	  "RuntimeError: Cannot re-initialize CUDA in forked subprocess. To use CUDA with "
	  "multiprocessing, you must use the 'spawn' start method\n", NULL, NULL },
	{ "fork-abort", "Objective-C's", true, CRASH_KIND_SIGNAL, SIGABRT, NULL, NULL,
	  "objc[9]: +[MTLDevice initialize] may have been in progress in another thread when fork() "
	  "was called.\n", NULL, NULL },
	{ "fork-abort", "another error of CUDA's", false, CRASH_KIND_SIGNAL, SIGABRT, NULL, NULL,
	  "RuntimeError: CUDA error: out of memory\n", NULL, NULL },
	{ "python-child", "a worker of gunicorn's in logging", true, CRASH_KIND_LOOK, 0,
	  "%acquire =" PY "logging/__init__.py:917\n%handle =" PY "logging/__init__.py:967\n"
	  "%boot =/srv/shop/wsgi.py:3\n%spawn_worker =" PACKAGE "gunicorn/arbiter.py:605\n", NULL,
	  NULL, NULL, NULL },
	{ "python-child", "the same in a process that was spawned", false, CRASH_KIND_LOOK, 0,
	  "%acquire =" PY "logging/__init__.py:917\n%boot =/srv/shop/jobs.py:3\n" MP_SPAWNED, NULL,
	  NULL, NULL, NULL },
	{ "python-child", "somebody's own function of that name", false, CRASH_KIND_LOOK, 0,
	  "%handle =/srv/shop/views.py:9\n%spawn_worker =" PACKAGE "gunicorn/arbiter.py:605\n", NULL,
	  NULL, NULL, NULL },
	{ "handler-crash", "Python code that is called fork", false, CRASH_KIND_SIGNAL, SIGSEGV,
	  "start @" FEED "\n%fork =/srv/shop/jobs.py:9\n", NULL, NULL, NULL, NULL },
	{ "named-handler", "a handler whose fork() is cut off", true, CRASH_KIND_SIGNAL, SIGSEGV,
	  "arena_free @" ENGINE "\nengine_atfork_child @" ENGINE "\n", NULL, NULL, NULL, NULL },
	{ "named-handler", "a nearest name that says fork", false, CRASH_KIND_SIGNAL, SIGSEGV,
	  "arena_free @" ENGINE "\n~engine_atfork_child @" ENGINE "\n", NULL, NULL, NULL, NULL },
	{ "named-handler", "CPython's own name, for the end of a thread", false, CRASH_KIND_SIGNAL,
	  SIGABRT, ABORT "_PyThread_at_fork_reinit @" LIBPYTHON "\ntake_gil @" LIBPYTHON "\n", NULL,
	  NULL, NULL, NULL },
	{ "named-handler", "a name of C++'s kind", true, CRASH_KIND_SIGNAL, SIGSEGV,
	  "free @" LIBC "\nFeed::PostforkChild @" FEED "\n", NULL, NULL, NULL, NULL },
	{ "alone", "the only thread, which waits for a lock", true, CRASH_KIND_LOOK, 0,
	  "%record =" PACKAGE "metrics/store.py:8\n%handle =/srv/shop/views.py:3\n", NULL, NULL,
	  NULL, listed },
	{ "alone", "the only thread, which waits for work", false, CRASH_KIND_LOOK, 0,
	  "%get =" PY "queue.py:171\n%run =/srv/shop/jobs.py:3\n", NULL, NULL, NULL, listed },
	{ "alone", "the one thread of gdb's list, in CPython's lock", true, CRASH_KIND_LOOK, 0,
	  "do_futex_wait @" LIBC "\nPyThread_acquire_lock_timed @" LIBPYTHON "\n"
	  "_bufferedwriter_flush @" LIBPYTHON "\n", NULL, NULL, NULL, one_thread },
	{ "alone", "the same without a list", false, CRASH_KIND_LOOK, 0,
	  "do_futex_wait @" LIBC "\nPyThread_acquire_lock_timed @" LIBPYTHON "\n"
	  "_bufferedwriter_flush @" LIBPYTHON "\n", NULL, NULL, NULL, NULL },
	{ "fork-call", "a crash in multiprocessing's fork", true, CRASH_KIND_SIGNAL, SIGSEGV,
	  "%_launch =" PY "multiprocessing/popen_fork.py:75\n", NULL, NULL, NULL, NULL },
	{ "fork-call", "one in subprocess's", true, CRASH_KIND_SIGNAL, SIGSEGV,
	  "%_execute_child =" PY "subprocess.py:1295\n", NULL, NULL, NULL, NULL },
	{ "fork-call", "one in what the child runs", false, CRASH_KIND_SIGNAL, SIGSEGV,
	  "%load =/srv/a.py:3\n" MP_CHILD, NULL, NULL, NULL, NULL },
	{ "child-end", "macOS's note of a child", true, CRASH_KIND_SIGNAL, SIGSEGV,
	  "nw_settings_child_has_forked @/usr/lib/libnetwork.dylib\nget @" FEED "\n", NULL, NULL,
	  NULL, NULL },
	{ "child-end", "the same library at work", false, CRASH_KIND_SIGNAL, SIGSEGV,
	  "nw_settings_setup @/usr/lib/libnetwork.dylib\nget @" FEED "\n", NULL, NULL, NULL,
	  NULL },
	{ "warned", "a hang after Python's warning", true, CRASH_KIND_LOOK, 0,
	  "do_futex_wait @" LIBC "\nPyThread_acquire_lock_timed @" LIBPYTHON "\n", NULL,
	  "DeprecationWarning: This process (pid=7) is multi-threaded, use of fork() may lead to "
	  "deadlocks in the child.\n", NULL, NULL },
	{ "warned", "another warning", false, CRASH_KIND_LOOK, 0,
	  "do_futex_wait @" LIBC "\nPyThread_acquire_lock_timed @" LIBPYTHON "\n", NULL,
	  "DeprecationWarning: fork is the start method\n", NULL, NULL },
	{ "dead-thread", "a destructor that joins what is not there", true, CRASH_KIND_SIGNAL,
	  SIGSEGV, "pthread_join @" LIBC "\nFeed::~Feed @" FEED "\n", NULL, NULL, NULL, NULL },
	{ "dead-thread", "Rust's word", true, CRASH_KIND_FINDING, 0, NULL, NULL,
	  "failed to join thread: Resource deadlock avoided (os error 35)\n", "panic", NULL },
	{ "dead-thread", "one that waits for a thread's end", false, CRASH_KIND_LOOK, 0,
	  "pthread_join @" LIBC "\nFeed::~Feed @" FEED "\n", NULL, NULL, NULL, NULL },
	{ "dead-thread", "a crash of who is called by one that was joined", false,
	  CRASH_KIND_SIGNAL, SIGSEGV, "a @" FEED "\nb @" FEED "\nc @" FEED "\npthread_join @" LIBC
	  "\n", NULL, NULL, NULL, NULL },
	{ "proxies", "a download on macOS", true, CRASH_KIND_SIGNAL, SIGSEGV,
	  "%proxy_bypass_macosx_sysconf =" PY "urllib/request.py:2600\n%fetch =/srv/get.py:1\n",
	  NULL, NULL, NULL, NULL },
	{ "proxies", "the same in a process that was spawned", false, CRASH_KIND_SIGNAL, SIGSEGV,
	  "%proxy_bypass_macosx_sysconf =" PY "urllib/request.py:2600\n" MP_SPAWNED, NULL, NULL,
	  NULL, NULL },
	{ "dispatch", "libdispatch for Apple's TLS", true, CRASH_KIND_SIGNAL, SIGSEGV,
	  "_dispatch_lane_push @/usr/lib/system/libdispatch.dylib\n"
	  "SSLHandshake @/System/Library/Frameworks/Security\nconnect @" FEED "\n" EVAL, NULL, NULL,
	  NULL, NULL },
	{ "dispatch", "a queue where it points in a child", true, CRASH_KIND_SIGNAL, SIGSEGV,
	  "_dispatch_lane_push @/usr/lib/system/libdispatch.dylib\nfetch @" FEED "\n", NULL, NULL,
	  NULL, poisoned },
	{ "dispatch", "a queue that is not there", false, CRASH_KIND_SIGNAL, SIGSEGV,
	  "_dispatch_lane_push @/usr/lib/system/libdispatch.dylib\nfetch @" FEED "\n", NULL, NULL,
	  NULL, NULL },
	{ "dispatch", "an extension's own queue", false, CRASH_KIND_SIGNAL, SIGSEGV,
	  "dispatch_async @/usr/lib/system/libdispatch.dylib\nenqueue @" FEED "\n" EVAL, NULL, NULL,
	  NULL, NULL },
	{ "dispatch", "work that libdispatch runs", false, CRASH_KIND_SIGNAL, SIGSEGV,
	  "dispatch_release @/usr/lib/system/libdispatch.dylib\ndone @" FEED "\n"
	  "_dispatch_call_block_and_release @/usr/lib/system/libdispatch.dylib\n" EVAL, NULL, NULL,
	  NULL, NULL },
	{ "spin-lock", "an allocator's lock", true, CRASH_KIND_LOOK, 0,
	  "sched_yield @" LIBC "\nje_malloc_mutex_lock_slow @" ENGINE "\nload @" ENGINE "\n", NULL,
	  NULL, NULL, NULL },
	{ "spin-lock", "one with another thread inside that library", false, CRASH_KIND_LOOK, 0,
	  "sched_yield @" LIBC "\nje_malloc_mutex_lock_slow @" ENGINE "\nload @" ENGINE "\n",
	  "arena_decay @" ENGINE "\nwork @" ENGINE "\n", NULL, NULL, NULL },
	{ "broken-mutex", "Abseil's word, in a module", true, CRASH_KIND_SIGNAL, SIGABRT,
	  ABORT "absl::Mutex::Fer @" FEED "\npoll @" FEED "\n", NULL,
	  "[mutex.cc : 1091] RAW: Check (v & kMuWait) == 0 failed: Mutex::UnlockSlow\n", NULL, NULL
	  },
	{ "broken-mutex", "the same in a server without Python", false, CRASH_KIND_SIGNAL, SIGABRT,
	  ABORT "absl::Mutex::Fer @" SERVER "\n", NULL,
	  "[mutex.cc : 1091] RAW: Check (v & kMuWait) == 0 failed: Mutex::UnlockSlow\n", NULL, NULL
	  },
	{ "broken-mutex", "Abseil's word that it waits", false, CRASH_KIND_SIGNAL, SIGABRT,
	  ABORT "decode @" FEED "\n", NULL, "[mutex.cc : 452] RAW: Lock blocking 0x600\n", NULL,
	  NULL },
	{ "dead-runtime", "libev's loop", true, CRASH_KIND_SIGNAL, SIGABRT, NULL, NULL,
	  "(libev) kevent: Bad file descriptor\n", NULL, NULL },
	{ "dead-runtime", "a file that is closed", false, CRASH_KIND_SIGNAL, SIGABRT, NULL, NULL,
	  "OSError: [Errno 9] Bad file descriptor\n", NULL, NULL },
	{ "dead-pool", "rayon's in a child", true, CRASH_KIND_LOOK, 0,
	  "syscall @" LIBC "\nrayon_core::latch::LockLatch::wait_and_reset @" FEED "\n"
	  "parse_all @" FEED "\n" MP_CHILD, NULL, NULL, NULL, NULL },
	{ "dead-pool", "OpenMP's in a child", true, CRASH_KIND_LOOK, 0,
	  "do_wait @/usr/lib/libgomp.so.1\ngomp_team_barrier_wait_end @/usr/lib/libgomp.so.1\n"
	  "blur @" CODEC "\n" MP_CHILD, NULL, NULL, NULL, NULL },
	{ "dead-pool", "a crash in OpenMP itself, in a child", true, CRASH_KIND_SIGNAL, SIGSEGV,
	  "__kmp_suspend_64 @/usr/lib/libomp.so\n__kmpc_fork_call @/usr/lib/libomp.so\n"
	  "blur @" CODEC "\n" MP_CHILD, NULL, NULL, NULL, NULL },
	{ "dead-pool", "a crash in work that it was given", false, CRASH_KIND_SIGNAL, SIGSEGV,
	  "blur_row @" CODEC "\nblur_tile @" CODEC "\nblur_part @" CODEC "\n"
	  "__kmpc_fork_call @/usr/lib/libomp.so\n" MP_CHILD, NULL, NULL, NULL, NULL },
	{ "dead-pool", "the same without a sign of a child", false, CRASH_KIND_LOOK, 0,
	  "do_wait @/usr/lib/libgomp.so.1\ngomp_team_barrier_wait_end @/usr/lib/libgomp.so.1\n"
	  "blur @" CODEC "\n" EVAL, NULL, NULL, NULL, NULL },
	{ "dead-pool", "gRPC's thread beside a crash that is none of it", false, CRASH_KIND_SIGNAL,
	  SIGSEGV, "decode @" CODEC "\n" MP_CHILD,
	  "grpc_completion_queue_next @" SITE "grpc/_cython/cygrpc.abi3.so\n", NULL, NULL, NULL },

	{ "handler-order", "a child handler before the one that repairs", true, CRASH_KIND_HANG, 0,
	  "pthread_mutex_lock @" LIBC "\nfeed_reset @" FEED "\nfork @" LIBC "\n", NULL, NULL, NULL,
	  owner_forked },
	{ "handler-order", "a lock of a thread that is no more", false, CRASH_KIND_HANG, 0,
	  "pthread_mutex_lock @" LIBC "\nfeed_reset @" FEED "\nfork @" LIBC "\n", NULL, NULL, NULL,
	  lose_owner },
	{ "own-lock", "a handler that asks CPython for a thread state", true, CRASH_KIND_HANG, 0,
	  "_PySemaphore_Wait @" LIBPYTHON "\nPyThreadState_New @" LIBPYTHON "\nprepare @" FEED
	  "\nfork @" LIBC "\n", NULL, NULL, NULL, wait_in_python },
	{ "own-lock", "a handler that waits for its own lock", false, CRASH_KIND_HANG, 0,
	  "pthread_mutex_lock @" LIBC "\nprepare @" FEED "\nfork @" LIBC "\n", NULL, NULL, NULL,
	  wait_in_python },
	{ "python-in-handler", "the same, looked at", true, CRASH_KIND_LOOK, 0,
	  "_PyParkingLot_Park @" LIBPYTHON "\nPyThreadState_New @" LIBPYTHON "\nprepare @" FEED
	  "\nfork @" LIBC "\n", NULL, NULL, NULL, NULL },
	{ "python-in-handler", "a handler inside CPython that does not wait", false,
	  CRASH_KIND_LOOK, 0, "PyDict_Clear @" LIBPYTHON "\nprepare @" FEED "\nfork @" LIBC "\n",
	  NULL, NULL, NULL, NULL },
	{ "join-in-handler", "a handler that waits for a thread that wants the GIL", true,
	  CRASH_KIND_HANG, 0, "pthread_join @" LIBC "\nstop_all @" FEED "\nfork @" LIBC "\n",
	  "take_gil @" LIBPYTHON "\nPyGILState_Ensure @" LIBPYTHON "\ntick @" FEED "\n", NULL, NULL,
	  owner_awaits_gil },
	{ "join-in-handler", "the same outside of a fork", false, CRASH_KIND_HANG, 0,
	  "pthread_join @" LIBC "\nstop_all @" FEED "\n" EVAL,
	  "take_gil @" LIBPYTHON "\nPyGILState_Ensure @" LIBPYTHON "\ntick @" FEED "\n", NULL, NULL,
	  owner_awaits_gil },
	{ "join-stack", "the same, looked at", true, CRASH_KIND_LOOK, 0,
	  "__futex_abstimed_wait_common @" LIBC "\n__pthread_clockjoin_ex @" LIBC "\nstop_all @"
	  FEED "\nfork @" LIBC "\n", "pthread_cond_timedwait @" LIBC "\ntake_gil @" LIBPYTHON
	  "\nPyGILState_Ensure @" LIBPYTHON "\ntick @" FEED "\n", NULL, NULL, NULL },
	{ "join-stack", "a thread that sleeps", false, CRASH_KIND_LOOK, 0,
	  "__pthread_clockjoin_ex @" LIBC "\nstop_all @" FEED "\nfork @" LIBC "\n",
	  "nanosleep @" LIBC "\ntick @" FEED "\n", NULL, NULL, NULL },
	{ "cycle", "two threads, two locks", true, CRASH_KIND_HANG, 0,
	  "pthread_mutex_lock @" LIBC "\nput @" CODEC "\n", "pthread_mutex_lock @" LIBC "\nget @"
	  CODEC "\n", NULL, NULL, owners_in_circle },
	{ "cycle", "one that waits for one that works", false, CRASH_KIND_HANG, 0,
	  "pthread_mutex_lock @" LIBC "\nput @" CODEC "\n", "get @" CODEC "\n", NULL, NULL,
	  keep_owner },
	{ "gil-and-lock", "a lock with the GIL, and the GIL with the lock", true, CRASH_KIND_LOOK,
	  0, "__lll_lock_wait @" LIBC "\npthread_mutex_lock @" LIBC "\nFeed::add @" FEED
	  "\nPyObject_Vectorcall @" LIBPYTHON "\n" EVAL,
	  "pthread_cond_timedwait @" LIBC "\ntake_gil @" LIBPYTHON "\nPyGILState_Ensure @" LIBPYTHON
	  "\nFeed::notify @" FEED "\n" THREAD, NULL, NULL, NULL },
	{ "gil-and-lock", "two modules that have nothing in common", false, CRASH_KIND_LOOK, 0,
	  "__lll_lock_wait @" LIBC "\npthread_mutex_lock @" LIBC "\nFeed::add @" FEED
	  "\nPyObject_Vectorcall @" LIBPYTHON "\n" EVAL,
	  "pthread_cond_timedwait @" LIBC "\ntake_gil @" LIBPYTHON "\nPyGILState_Ensure @" LIBPYTHON
	  "\nblur @" CODEC "\n" THREAD, NULL, NULL, NULL },
	{ "gil-and-lock", "a pool that is waited for with the GIL", true, CRASH_KIND_LOOK, 0,
	  "pthread_cond_wait @" LIBC "\nFeed::wait_all @" FEED "\nPyObject_Vectorcall @" LIBPYTHON
	  "\n" EVAL, "pthread_cond_timedwait @" LIBC "\ntake_gil @" LIBPYTHON
	  "\nPyGILState_Ensure @" LIBPYTHON "\nFeed::notify @" FEED "\n" THREAD, NULL, NULL, NULL },
	{ "two-acquire", "two threads, each in a lock's acquire()", true, CRASH_KIND_LOOK, 0,
	  "%acquire =" PY "threading.py:173\n%post =/srv/bank.py:12\n",
	  "%acquire =" PY "threading.py:173\n%audit =/srv/bank.py:30\n", NULL, NULL, NULL },
	{ "two-acquire", "one that waits for one at work", false, CRASH_KIND_LOOK, 0,
	  "%acquire =" PY "threading.py:173\n%post =/srv/bank.py:12\n", "%audit =/srv/bank.py:30\n",
	  NULL, NULL, NULL },
	{ "loader-lock", "a walk over what is loaded", true, CRASH_KIND_LOOK, 0,
	  "dl_iterate_phdr @" LIBC "\n_Unwind_Find_FDE @" LIBGCC "\n_Unwind_Backtrace @" LIBGCC
	  "\nsample @" FEED "\n", NULL, NULL, NULL, NULL },
	{ "loader-lock", "a callback of that walk", false, CRASH_KIND_LOOK, 0,
	  "visit @" FEED "\ndl_iterate_phdr @" LIBC "\nscan @" FEED "\n", NULL, NULL, NULL,
	  NULL },
	{ "inversion", "ThreadSanitizer's word", true, CRASH_KIND_FINDING, 0,
	  "pthread_mutex_lock\nput @" CODEC "\n", NULL, NULL,
	  "lock-order-inversion (potential deadlock)", NULL },
	{ "inversion", "its word on a race", false, CRASH_KIND_FINDING, 0, "put @" CODEC "\n", NULL,
	  NULL, "data race", NULL },

	{ "exit-wait", "an exit handler that waits for a lock", true, CRASH_KIND_LOOK, 0,
	  "__lll_lock_wait @" LIBC "\npthread_mutex_lock @" LIBC "\nflush_all @" FEED
	  "\n__run_exit_handlers @" LIBC "\nexit @" LIBC "\n", NULL, NULL, NULL, NULL },
	{ "exit-wait", "an executor that is joined at the end", true, CRASH_KIND_LOOK, 0,
	  "%join =" PY "threading.py:1119\n%_python_exit =" PY "concurrent/futures/thread.py:31\n",
	  NULL, NULL, NULL, NULL },
	{ "exit-wait", "the end that waits for a thread at work", false, CRASH_KIND_LOOK, 0,
	  "%_shutdown =" PY "threading.py:1624\n", "%transfer =/srv/bank.py:12\n"
	  "%run =" PY "threading.py:1010\n", NULL, NULL, NULL },
	{ "exit-wait", "a wait in the midst of a program", false, CRASH_KIND_LOOK, 0,
	  "__lll_lock_wait @" LIBC "\npthread_mutex_lock @" LIBC "\nflush_all @" FEED "\n" EVAL,
	  NULL, NULL, NULL, NULL },
	{ "finalizer-stack", "finalization that goes on", true, CRASH_KIND_LOOK, 0,
	  "dict_dealloc @" LIBPYTHON "\nPy_FinalizeEx @" LIBPYTHON "\n", NULL, NULL, NULL, NULL },
	{ "finalizer-stack", "a program that goes on", false, CRASH_KIND_LOOK, 0,
	  "dict_dealloc @" LIBPYTHON "\n" EVAL, NULL, NULL, NULL, NULL },
	{ "stream-lock", "a stream at shutdown", true, CRASH_KIND_SIGNAL, SIGABRT, NULL, NULL,
	  "Fatal Python error: could not acquire lock for <_io.BufferedReader name='<stdin>'> at "
	  "interpreter shutdown, possibly due to daemon threads\n", NULL, NULL },
	{ "stream-lock", "another word of shutdown", false, CRASH_KIND_SIGNAL, SIGABRT, NULL, NULL,
	  "RuntimeError: can't create new thread at interpreter shutdown\n", NULL, NULL },
};

int main(void)
{
	static const enum pattern patterns[] = {
		PATTERN_FORK_SAFETY, PATTERN_LOCK_ORDER, PATTERN_SHUTDOWN_LOCK, PATTERN_OTHER,
	};

	check_patterns(cases, sizeof(cases) / sizeof(*cases), patterns);
	return tap_done();
}
