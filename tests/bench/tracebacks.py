# SPDX-License-Identifier: Apache-2.0
"""What a traceback of 100 frames takes: of ours, of faulthandler to /dev/null, in the same process; and
of _remote_debugging from another process, where there is one.

    tracebacks.py TRACEBACK.so TIMES    "OURS FAULTHANDLER REMOTE" in nanoseconds; REMOTE may be -
"""
import ctypes
import faulthandler
import os
import sys
import time

FRAMES = 100
SIZE_OF_FRAME = 256 + 4 + 256


def best_of_three(action, times):
    """Nanoseconds for each."""
    took = []
    for _ in range(3):
        begin = time.perf_counter_ns()
        for _ in range(times):
            action()
        took.append((time.perf_counter_ns() - begin) / times)
    return min(took)


def dive(n, what):
    return dive(n - 1, what) if n else what()


def here(library, times):
    ours = ctypes.PyDLL(library)
    ours.traceback_init()
    call = ours.traceback_frames
    this_thread = ctypes.pythonapi.PyThreadState_Get
    this_thread.restype = ctypes.c_void_p
    frames = ctypes.create_string_buffer(FRAMES * SIZE_OF_FRAME)
    state = ctypes.c_void_p(this_thread())
    with open("/dev/null", "w", encoding="ascii") as null:
        def measure():
            if call(state, frames, FRAMES) != FRAMES:
                sys.exit("there are not so many frames")
            return (best_of_three(lambda: call(state, frames, FRAMES), times),
                    best_of_three(lambda: faulthandler.dump_traceback(null, all_threads=False), times))
        return dive(FRAMES + 10, measure)


def remote(times):
    try:
        from _remote_debugging import RemoteUnwinder
    except ImportError:
        return None
    up, say = os.pipe()
    end, tell = os.pipe()
    child = os.fork()
    if not child:
        os.close(tell)
        dive(FRAMES - 1, lambda: (os.write(say, b"x"), os.read(end, 1)))
        os._exit(0)
    os.read(up, 1)
    try:
        unwinder = RemoteUnwinder(child)
        return best_of_three(unwinder.get_stack_trace, times)
    except (OSError, RuntimeError):
        return None  # not allowed
    finally:
        os.write(tell, b"x")
        os.waitpid(child, 0)


def main():
    times = int(sys.argv[2])
    from_outside = remote(times)
    print(*here(sys.argv[1], times), "-" if from_outside is None else from_outside)


main()
