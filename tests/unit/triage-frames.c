/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose code a frame is: paths of modules as wheels, distributions and build directories have them,
 * names as debuggers and crash trackers write them. Where two of them look alike, both are here.
 */
#include "tests/unit/triage.h"
#include "triage/frames.h"

#define SITE "/opt/venv/lib/python3.12/site-packages/"
#define TAG ".cpython-312-x86_64-linux-gnu.so"
#define LIB64 "/usr/lib/x86_64-linux-gnu/"

struct frame_case {
	const char *function, *module, *file;
	const char *kind, *component; /* NULL: the module's name */
	enum frame_category category;
	enum attribution owner;
};

#define EXT CATEGORY_EXTENSION, ATTRIBUTION_EXTENSION
#define BENEATH ATTRIBUTION_THIRD_PARTY
#define NOBODY ATTRIBUTION_UNKNOWN
#define PYTHON CATEGORY_CPYTHON, ATTRIBUTION_CPYTHON
#define PLATFORM CATEGORY_LIBC, ATTRIBUTION_UNKNOWN
#define REPLACED CATEGORY_LIBC, ATTRIBUTION_THIRD_PARTY
#define CODE CATEGORY_CXX, ATTRIBUTION_UNKNOWN
#define OWN_LIBRARY CATEGORY_LIBRARY, ATTRIBUTION_THIRD_PARTY

static const struct frame_case cases[] = {
	/* dd-trace-py, and what is called like it. */
	{ "work", SITE "ddtrace/internal/_threads" TAG, NULL, "dd-trace-py",
	  "dd-trace-py (_threads)", EXT },
	{ "execute_native_thread_routine", SITE "ddtrace/internal/_threads" TAG, NULL,
	  "dd-trace-py", "dd-trace-py (_threads)", EXT },
	{ "core::panicking::panic", SITE "ddtrace/internal/native/_native" TAG, NULL, "dd-trace-py",
	  "dd-trace-py (_native)", EXT },
	{ NULL, SITE "ddtrace/appsec/_iast/_taint_tracking/_native" TAG, NULL, "dd-trace-py",
	  "dd-trace-py (IAST/AppSec)", EXT },
	{ NULL, SITE "ddtrace/appsec/_ddwaf/libddwaf/x86_64/lib/libddwaf.so", NULL, "dd-trace-py",
	  "dd-trace-py (libddwaf)", EXT },
	{ NULL, SITE "ddtrace/appsec/_iast/_stacktrace" TAG, NULL, "dd-trace-py",
	  "dd-trace-py (IAST/AppSec)", EXT },
	{ NULL, SITE "pyroscope/_native__lib" TAG, NULL, "pyroscope", "Pyroscope", EXT },
	{ NULL, "_native__lib" TAG, NULL, "pyroscope", "Pyroscope", EXT },
	{ NULL, SITE "other/_native" TAG, NULL, "extension", NULL, EXT },
	{ NULL, "_native" TAG, NULL, "extension", NULL, EXT },
	{ NULL, "_memalloc" TAG, NULL, "dd-trace-py", "dd-trace-py (_memalloc)", EXT },
	{ NULL, SITE "ddtrace/internal/datadog/profiling/ddup/_ddup" TAG, NULL, "dd-trace-py",
	  "dd-trace-py (_ddup)", EXT },
	{ NULL, SITE "ddtrace/internal/datadog/profiling/stack/_stack" TAG, NULL, "dd-trace-py",
	  "dd-trace-py (_stack)", EXT },
	{ NULL, SITE "ddtrace/internal/datadog/profiling/libdd_wrapper" TAG, NULL, "dd-trace-py",
	  "dd-trace-py (libdd_wrapper)", EXT },
	{ NULL, SITE "ddtrace/profiling/collector/_lock" TAG, NULL, "dd-trace-py",
	  "dd-trace-py (Cython)", EXT },
	{ NULL, SITE "ddtrace/internal/_encoding" TAG, NULL, "dd-trace-py", "dd-trace-py (Cython)",
	  EXT },
	{ NULL, SITE "other/_lock" TAG, NULL, "extension", NULL, EXT },
	{ NULL, SITE "ddtrace.libs/libstdc++-a9383cce.so.6.0.28", NULL, "c++ runtime", NULL, CODE },
	{ "PeriodicThread__after_fork", NULL, NULL, "dd-trace-py", "dd-trace-py (_threads)", EXT },
	{ "GILGuard::GILGuard()", NULL, NULL, "dd-trace-py", "dd-trace-py (_threads)", EXT },
	{ "GILGuard::GILGuard()", SITE "other/_core" TAG, NULL, "extension", NULL, EXT },
	{ "crashtracker_init", NULL, NULL, "dd-trace-py", "dd-trace-py (_native)", EXT },
	{ "<libdd_crashtracker::collector::Saved as core::ops::drop::Drop>::drop", NULL, NULL,
	  "dd-trace-py", "dd-trace-py (_native)", EXT },
	{ "memalloc_heap_track", NULL, NULL, "dd-trace-py", "dd-trace-py (_memalloc)", EXT },
	{ "Datadog::Sampler::postfork_child", NULL, NULL, "dd-trace-py", "dd-trace-py (_stack)",
	  EXT },
	{ "Datadog::Sample::push_frame(std::string_view)", NULL, NULL, "dd-trace-py",
	  "dd-trace-py (profiling)", EXT },
	{ "taint_pyobject", NULL, NULL, "dd-trace-py", "dd-trace-py (IAST/AppSec)", EXT },
	{ "__pyx_pw_7ddtrace_9profiling_9collector_5_lock_1go", NULL, NULL, "dd-trace-py",
	  "dd-trace-py (Cython)", EXT },
	{ "__pyx_pw_4acme_1go", NULL, NULL, "extension", "Cython", EXT },
	{ "helper", NULL, "/build/ddtrace/internal/_threads.cpp", "dd-trace-py",
	  "dd-trace-py (_threads)", EXT },

	/* Other products. */
	{ NULL, SITE "gevent/libev/corecext" TAG, NULL, "gevent", "gevent (libev)", EXT },
	{ NULL, LIB64 "libev.so.4.0.0", NULL, "gevent", "libev", CATEGORY_EXTENSION, BENEATH },
	{ NULL, LIB64 "libevent-2.1.so.7", NULL, "library", NULL, OWN_LIBRARY },
	{ NULL, SITE "greenlet/_greenlet" TAG, NULL, "gevent", "greenlet", EXT },
	{ NULL, SITE "grpc/_cython/cygrpc" TAG, NULL, "grpc", "gRPC", CATEGORY_EXTENSION, BENEATH },
	{ "grpc_core::Executor::ThreadMain(void*)", NULL, NULL, "grpc", "gRPC", CATEGORY_EXTENSION,
	  BENEATH },
	{ NULL, SITE "numpy.libs/libopenblas64_p-r0-0cf96a72.3.23.dev.so", NULL, "library",
	  "OpenBLAS", OWN_LIBRARY },
	{ NULL, LIB64 "libgomp.so.1.0.0", NULL, "library", "OpenMP", OWN_LIBRARY },
	{ NULL, "/System/Library/Frameworks/CoreFoundation.framework/CoreFoundation", NULL,
	  "library", NULL, OWN_LIBRARY },
	{ "py_spy::python_threading::thread_names", NULL, NULL, "pyroscope", "Pyroscope", EXT },

	/* Runtimes: on their own, and linked into somebody's module. */
	{ "core::panicking::panic_fmt::h0123456789abcdef", NULL, NULL, "rust runtime", NULL, CODE },
	{ "<alloc::vec::Vec<T> as core::ops::drop::Drop>::drop", NULL, NULL, "rust runtime", NULL,
	  CODE },
	{ "tokio::runtime::park::Inner::park", NULL, NULL, "rust runtime", "tokio", CODE },
	{ "rust_begin_unwind", SITE "pydantic_core/_pydantic_core" TAG, NULL, "rust runtime", NULL,
	  EXT },
	{ "helper", NULL, "/rustc/9fc6b43126469e3858e2fe86cafb4f0fd5068869/library/std/src/rt.rs",
	  "rust runtime", NULL, CODE },
	{ "std::terminate()", LIBSTDCXX, NULL, "c++ runtime", NULL, CODE },
	{ "std::thread::_State_impl<int>::_M_run()", NULL, NULL, "c++ runtime", NULL, CODE },
	{ "std::thread::spawn", NULL, NULL, "rust runtime", NULL, CODE },
	{ "std::vector<int>::push_back(int const&)", SITE "other/_core" TAG, NULL, "extension",
	  NULL, EXT },
	{ "__cxa_throw", SITE "other/_core" TAG, NULL, "c++ runtime", NULL, EXT },
	{ "_Unwind_RaiseException", LIBGCC, NULL, "unwinder", NULL, CATEGORY_UNWINDER, NOBODY },
	{ "pyo3::gil::GILGuard::acquire", NULL, NULL, "extension", "PyO3", EXT },

	/* Allocators, sanitizers, libc, the kernel. */
	{ "free", LIBC, NULL, "allocator", "glibc malloc", PLATFORM },
	{ "_int_free", "/lib64/libc.so.6", NULL, "allocator", "glibc malloc", PLATFORM },
	{ "fork", LIBC, NULL, "libc", NULL, PLATFORM },
	{ "cfree", NULL, NULL, "allocator", NULL, PLATFORM },
	{ NULL, LIB64 "libjemalloc.so.2", NULL, "allocator", "jemalloc", REPLACED },
	{ NULL, LIB64 "libtcmalloc_minimal.so.4.5.9", NULL, "allocator", "tcmalloc", REPLACED },
	{ NULL, LIB64 "libmimalloc.so.2.0", NULL, "allocator", "mimalloc", REPLACED },
	{ "_rjem_malloc", SITE "other/_core" TAG, NULL, "allocator", "jemalloc", EXT },
	{ "free", LIB64 "libasan.so.8.0.0", NULL, "sanitizer", "AddressSanitizer", PLATFORM },
	{ "__tsan_func_entry", NULL, NULL, "sanitizer", "ThreadSanitizer", PLATFORM },
	{ "start_thread", "/lib64/libpthread.so.0", NULL, "libc", NULL, PLATFORM },
	{ "start_thread", "/lib64/libpthread-2.17.so", NULL, "libc", NULL, PLATFORM },
	{ "pthread_cond_wait@@GLIBC_2.3.2", NULL, NULL, "libc", NULL, PLATFORM },
	{ "___pthread_mutex_lock", NULL, NULL, "libc", NULL, PLATFORM },
	{ "malloc", "/lib/ld-musl-x86_64.so.1", NULL, "libc", NULL, PLATFORM },
	{ NULL, "[vdso]", NULL, "kernel", NULL, PLATFORM },
	{ NULL, "linux-vdso.so.1", NULL, "kernel", NULL, PLATFORM },
	{ "__psynch_cvwait", "/usr/lib/system/libsystem_kernel.dylib", NULL, "kernel", NULL,
	  PLATFORM },
	{ "__restore_rt", NULL, NULL, "kernel", NULL, PLATFORM },
	{ NULL, "[heap]", NULL, "unknown", NULL, CATEGORY_UNKNOWN, NOBODY },
	{ "_dl_fixup", NULL, NULL, "loader", NULL, CATEGORY_LOADER, NOBODY },

	/* CPython, wherever it is linked in. */
	{ NULL, "/usr/lib64/libpython3.8.so.1.0", NULL, "cpython", NULL, PYTHON },
	{ "main", "/usr/local/bin/python3.13t", NULL, "cpython", NULL, PYTHON },
	{ NULL, "/usr/bin/python3-dbg", NULL, "cpython", NULL, PYTHON },
	{ NULL, "/Library/Frameworks/Python.framework/Versions/3.12/Python", NULL, "cpython", NULL,
	  PYTHON },
	{ NULL, "/usr/lib/python3.12/lib-dynload/_ssl" TAG, NULL, "cpython", NULL, PYTHON },
	{ "take_gil", NULL, NULL, "cpython", NULL, PYTHON },
	{ "cfunction_vectorcall_NOARGS.llvm.1085662745629047260", NULL, NULL, "cpython", NULL,
	  PYTHON },
	{ "PyGILState_Ensure", "/usr/sbin/uwsgi", NULL, "cpython", NULL, PYTHON },
	{ "helper", NULL, "/usr/src/python/Objects/abstract.c", "cpython", NULL, PYTHON },
	{ "helper", "/srv/bin/server", "./Python/ceval_gil.c", "cpython", NULL, PYTHON },
	{ "thread_run", "/srv/bin/server", NULL, "program", NULL, CATEGORY_PROGRAM,
	  ATTRIBUTION_APPLICATION },
	{ "PyArray_Free", SITE "numpy/core/_multiarray_umath" TAG, NULL, "extension", NULL, EXT },
	{ "PyInit_probe", NULL, NULL, "extension", NULL, EXT },

	/* The rest. */
	{ "main", "/srv/bin/server", NULL, "program", NULL, CATEGORY_PROGRAM,
	  ATTRIBUTION_APPLICATION },
	{ "main", "/srv/hosts/host", NULL, "program", NULL, CATEGORY_PROGRAM,
	  ATTRIBUTION_EXTENSION },
	{ NULL, "/usr/lib/python3.9/", NULL, "extension", NULL, EXT },
	{ NULL, "org.python.python", NULL, "cpython", NULL, PYTHON },
	{ NULL, SITE "other/lib/libother_core.so.3", NULL, "extension", NULL, EXT },
	{ NULL, SITE "other.libs/libssl-1f2e3d.so.3", NULL, "extension", NULL, EXT },
	{ NULL, SITE "nvidia/cublas/lib/libcublas.so.12", NULL, "library", "CUDA", OWN_LIBRARY },
	{ "g_value_unset", NULL, "../gobject/gvalue.c", "library", "GLib", OWN_LIBRARY },
	{ NULL, "AppKit", NULL, "library", NULL, OWN_LIBRARY },
	{ NULL, "com.apple.CoreText", NULL, "library", NULL, OWN_LIBRARY },
	{ NULL, "QtWidgets", NULL, "library", "Qt", OWN_LIBRARY },
	{ NULL, "QtWidgets.abi3.so", NULL, "extension", NULL, EXT },
	{ NULL, "python312.dll", NULL, "cpython", NULL, PYTHON },
	{ NULL, "KERNELBASE.dll", NULL, "libc", NULL, PLATFORM },
	{ NULL, "c10_cuda.dll", NULL, "library", NULL, OWN_LIBRARY },
	{ NULL, "_imaging.pyd", NULL, "extension", NULL, EXT },
	{ "sqlite3MemMalloc", NULL, NULL, "library", "SQLite", OWN_LIBRARY },
	{ "boost::python::call<int>()", NULL, NULL, "extension", "Boost.Python", EXT },
	{ "boost::asio::poll()", NULL, NULL, "c++ runtime", "Boost", CODE },
	{ "_wrap_fill", NULL, NULL, "extension", "SWIG", EXT },
	{ "QWidget::close()", NULL, NULL, "library", "Qt", OWN_LIBRARY },
	{ "Queue::close()", NULL, NULL, "unknown", NULL, CATEGORY_UNKNOWN, NOBODY },
	{ "PyUFunc_clearfperr", NULL, NULL, "extension", "NumPy", EXT },
	{ "_L_unlock_1042", NULL, NULL, "libc", NULL, PLATFORM },
	{ NULL, SITE "other/fast.abi3.so", NULL, "extension", NULL, EXT },
	{ NULL, LIB64 "libffi.so.7", NULL, "library", NULL, OWN_LIBRARY },
	{ NULL, LIB64 "libcurl.so.4", NULL, "library", NULL, OWN_LIBRARY },
	{ "helper", NULL, NULL, "unknown", NULL, CATEGORY_UNKNOWN, NOBODY },
	{ "freedom", NULL, NULL, "unknown", NULL, CATEGORY_UNKNOWN, NOBODY },
	{ NULL, NULL, NULL, "unknown", NULL, CATEGORY_UNKNOWN, NOBODY },
};

static void check_case(const struct frame_case *wanted)
{
	struct crash_frame frame = {
		.function = (char *)(uintptr_t)wanted->function,
		.module = (char *)(uintptr_t)wanted->module,
		.file = (char *)(uintptr_t)wanted->file,
		.trust = wanted->function ? TRUST_EXACT : TRUST_NONE,
	};
	struct frame_origin origin;
	char *what = xstrfmt("%s of %s%s%s", wanted->function ? wanted->function : "a place",
			     wanted->module ? wanted->module : "nowhere",
			     wanted->file ? " in " : "", wanted->file ? wanted->file : "");

	frame_find_origin(&frame, NULL, &origin);
	CHECK_STR(frame_kind_name(origin.kind), wanted->kind, "%s is %s", what, wanted->kind);
	CHECK_STR(origin.component, wanted->component, "by its name");
	CHECK_STR(category_name(origin.category), category_name(wanted->category),
		  "for the patterns it is %s", category_name(wanted->category));
	CHECK_STR(attribution_name(origin.owner), attribution_name(wanted->owner),
		  "and answers as %s", attribution_name(wanted->owner));
	free(what);
}

/* A name that is only near says nothing of whose code it is. */
static void test_near(void)
{
	struct crash_frame frame = {
		.function = (char *)(uintptr_t)"PyGILState_Ensure",
		.trust = TRUST_NEAR,
	};

	CHECK_STR(category_name(frame_categorise(&frame, NULL)), "unknown", "a near name is none");
	frame.trust = TRUST_SCANNED;
	CHECK_STR(category_name(frame_categorise(&frame, NULL)), "unknown", "nor is a scanned one");
	frame.trust = TRUST_EXACT;
	CHECK_STR(category_name(frame_categorise(&frame, NULL)), "cpython", "an exact one is");
}

/* def fork(): … */
static void test_python(void)
{
	struct crash_frame frame = {
		.function = (char *)(uintptr_t)"fork",
		.file = (char *)(uintptr_t)"/srv/app/Modules/jobs.py",
		.trust = TRUST_EXACT,
		.python = true,
	};
	struct frame_origin origin;

	frame_find_origin(&frame, NULL, &origin);
	CHECK_STR(frame_kind_name(origin.kind), "python", "a Python function is Python's");
	CHECK_INT(origin.category, CATEGORY_PYTHON, "whatever its name");
	CHECK(!category_is_native(origin.category), "and no native code");
}

/* "Jobs.run" is no name with a compiler's suffix. */
static void test_python_name(void)
{
	struct crash *crash = crash_make(SIGSEGV, "Jobs.run\n", NULL);
	struct triage *triage;

	crash->threads[0].frames[0].python = true;
	triage = classify(crash);
	CHECK_STR(triage->detail, "no known pattern: SIGSEGV in Jobs.run", "its name is whole");
	triage_free(triage);
}

static void test_trust(void)
{
	struct crash_frame frame = { .trust = TRUST_EXACT };

	CHECK_STR(frame_trust_word(&frame), "exact", "a frame is as exact as its symbol");
	frame.trust = TRUST_NEAR;
	CHECK_STR(frame_trust_word(&frame), "near", "or only near");
	frame.trust = TRUST_SCANNED;
	CHECK_STR(frame_trust_word(&frame), "scanned", "or scanned");
	frame.trust = TRUST_NONE;
	CHECK_STR(frame_trust_word(&frame), "none", "or nothing");
	frame.trust = TRUST_EXACT;
	frame.inlined = true;
	CHECK_STR(frame_trust_word(&frame), "inlined", "or was no call at all");
}

int main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		check_case(&cases[i]);
	test_near();
	test_python();
	test_python_name();
	test_trust();
	return tap_done();
}
