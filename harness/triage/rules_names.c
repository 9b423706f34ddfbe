/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose code a frame is by its function's name, where the report names no module: the built-in
 * rules that are asked last. Change FRAME_RULES_VERSION with any of them.
 */
#include "triage/rule_words.h"

const struct frame_rule builtin_names[] = {
	/* CPython's static functions, where a report has symbols but no modules. */
	LOOSE("take_gil", CPYTHON, NULL),
	LOOSE("drop_gil*", CPYTHON, NULL),
	LOOSE("new_threadstate", CPYTHON, NULL),
	LOOSE("init_threadstate", CPYTHON, NULL),
	LOOSE("tstate_*", CPYTHON, NULL),
	LOOSE("bind_tstate", CPYTHON, NULL),
	LOOSE("bind_gilstate_tstate", CPYTHON, NULL),
	LOOSE("gilstate_tss_*", CPYTHON, NULL),
	LOOSE("os_fork*", CPYTHON, NULL),
	LOOSE("run_at_forkers", CPYTHON, NULL),
	LOOSE("finalize_modules*", CPYTHON, NULL),
	LOOSE("finalize_interp_*", CPYTHON, NULL),
	LOOSE("pymain_*", CPYTHON, NULL),
	LOOSE("run_mod", CPYTHON, NULL),
	LOOSE("run_eval_code_obj", CPYTHON, NULL),
	LOOSE("call_function", CPYTHON, NULL),
	LOOSE("cfunction_*", CPYTHON, NULL),
	LOOSE("method_vectorcall*", CPYTHON, NULL),
	LOOSE("method_call", CPYTHON, NULL),
	LOOSE("object_vacall", CPYTHON, NULL),
	LOOSE("function_code_fastcall", CPYTHON, NULL),
	LOOSE("partial_vectorcall*", CPYTHON, NULL),
	LOOSE("slot_??_*", CPYTHON, NULL),
	LOOSE("type_call", CPYTHON, NULL),
	LOOSE("subtype_dealloc", CPYTHON, NULL),
	LOOSE("gen_iternext", CPYTHON, NULL),
	LOOSE("gen_send_ex*", CPYTHON, NULL),
	LOOSE("builtin_*", CPYTHON, NULL),
	LOOSE("gc_collect_*", CPYTHON, NULL),
	LOOSE("collect_with_callback", CPYTHON, NULL),
	LOOSE("deduce_unreachable", CPYTHON, NULL),
	LOOSE("subtract_refs", CPYTHON, NULL),
	LOOSE("update_refs", CPYTHON, NULL),
	LOOSE("visit_decref", CPYTHON, NULL),
	LOOSE("visit_reachable", CPYTHON, NULL),
	LOOSE("dict_dealloc", CPYTHON, NULL),
	LOOSE("list_dealloc", CPYTHON, NULL),
	LOOSE("tupledealloc", CPYTHON, NULL),
	LOOSE("frame_dealloc", CPYTHON, NULL),
	LOOSE("thread_run", CPYTHON, NULL),
	LOOSE("pythread_wrapper", CPYTHON, NULL),
	LOOSE("faulthandler_*", CPYTHON, NULL),
	LOOSE("fatal_error*", CPYTHON, NULL),

	/* libc's, whichever implementation the machine has. */
	LOOSE("__str*_*", LIBC, NULL), LOOSE("__mem*_*", LIBC, NULL),
	LOOSE("__wcs*_*", LIBC, NULL), LOOSE("__rawmem*_*", LIBC, NULL),
	LOOSE("strlen", LIBC, NULL), LOOSE("strcmp", LIBC, NULL),
	LOOSE("strncmp", LIBC, NULL), LOOSE("memcpy", LIBC, NULL),
	LOOSE("memmove", LIBC, NULL), LOOSE("memset", LIBC, NULL),
	LOOSE("memcmp", LIBC, NULL), LOOSE("__add_to_environ", LIBC, NULL),

	/* Libraries that many processes have, by their own prefixes. */
	LOOSE("g_closure_*", LIBRARY, "GLib"),
	LOOSE("g_main_*", LIBRARY, "GLib"),
	LOOSE("g_object_*", LIBRARY, "GLib"),
	LOOSE("g_signal_*", LIBRARY, "GLib"),
	LOOSE("g_type_*", LIBRARY, "GLib"),
	LOOSE("gdk_*", LIBRARY, "GTK"),
	LOOSE("gtk_*", LIBRARY, "GTK"),
	LOOSE("Q[A-Z]*::*", LIBRARY, "Qt"),
	LOOSE("llvm::*", LIBRARY, "LLVM"),
	LOOSE("sqlite3*", LIBRARY, "SQLite"),
	LOOSE("xml[A-Z]*", LIBRARY, "libxml2"),
	LOOSE("H5[A-Z]*_*", LIBRARY, "HDF5"),
	LOOSE("CRYPTO_*", LIBRARY, "OpenSSL"),
	LOOSE("EVP_*", LIBRARY, "OpenSSL"),
	LOOSE("SSL_*", LIBRARY, "OpenSSL"),
	LOOSE("PMPI_*", LIBRARY, "MPI"),
	LOOSE("ompi_*", LIBRARY, "MPI"),
	LOOSE("opal_*", LIBRARY, "MPI"),
	LOOSE("tbb::*", LIBRARY, "TBB"),
	LOOSE("v8::*", LIBRARY, "V8"),

	/* Glue and templates of headers: whose they are says who uses them. */
	LOOSE("_wrap_*", EXTENSION, "SWIG"),
	LOOSE("boost::python::*", EXTENSION, "Boost.Python"),
	LOOSE("nanobind::*", EXTENSION, "nanobind"),
	LOOSE("boost::*", CXX, "Boost"),
	LOOSE("Eigen::*", CXX, "Eigen"),
};

const size_t builtin_names_count = sizeof(builtin_names) / sizeof(*builtin_names);
