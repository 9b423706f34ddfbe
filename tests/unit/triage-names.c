/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a frame is, and what its function is called once compilers had their way. */
#include "tests/unit/triage.h"
#include "triage/frames.h"

static void check_bare(const char *name, const char *wanted)
{
	char *bare = function_bare(name);

	CHECK_STR(bare, wanted, "%.60s is %s", name, wanted);
	free(bare);
}

static void test_names(void)
{
	check_bare("run_mod.llvm.17615948296688877498", "run_mod");
	check_bare("lru_get.cold", "lru_get");
	check_bare("lru_get.part.0.constprop.3", "lru_get");
	check_bare("lru_get.isra.0 [clone .cold]", "lru_get");
	check_bare("fork@@GLIBC_2.2.5", "fork");
	check_bare("__libc_free", "free");
	check_bare("cfree", "free");
	check_bare("std::_List_base<std::pair<unsigned long, std::unique_ptr<Frame> >, "
		   "std::allocator<int> >::_M_clear", "_M_clear");
	check_bare("Probe::Sampler::postfork_child()", "postfork_child");
	check_bare("(anonymous namespace)::come_back(void*)", "come_back");
	check_bare("std::vector<int>& probe::grow<int>(std::vector<int>&) const", "grow");
	check_bare("probe::key::operator<(probe::key const&) const", "operator<");
	check_bare("probe::call::operator()(int)", "operator()");
	check_bare("probe::list::operator->() const", "operator->");
	check_bare("void probe::fill(int).part.0", "fill");
	check_bare("tokio::runtime::park::h0123456789abcdef", "park");
	check_bare("operator_run", "operator_run");
}

static void test_suffixes(void)
{
	check_bare("lru_get.lto_priv.0", "lru_get");
	check_bare("lru_get.lto_priv.17.cold", "lru_get");
	check_bare("lru_get.localalias", "lru_get");
	check_bare("lru_get.__uniq.3141592653", "lru_get");
	check_bare("lru_get._omp_fn.0", "lru_get");
	check_bare("lru_get.12", "lru_get");
	check_bare("probe::fill(int) [clone .part.0] [clone .cold]", "fill");
	check_bare("probe::wait<1.5>(int) [clone .isra.0]", "wait");
	check_bare("probe::wait<1.5>", "wait");
	check_bare("pthread_mutex_lock@plt", "pthread_mutex_lock");
	check_bare("pthread_mutex_lock$VARIANT$armv81", "pthread_mutex_lock");
	check_bare("read$NOCANCEL", "read");
	check_bare("core::fmt::pad::h0123456789abcdef.llvm.77", "pad");
	/* No hash, though it looks like one at first. */
	check_bare("probe::h0123456789abcdeg", "h0123456789abcdeg");
	check_bare("probe::h0123", "h0123");
	check_bare("take.", "take.");
	check_bare(".cold", ".cold");
}

static void test_rust(void)
{
	check_bare("tokio::runtime::park::{{closure}}::h0123456789abcdef", "park");
	check_bare("tokio::runtime::park::{closure#0}::{closure#1}", "park");
	check_bare("core::ptr::drop_in_place::<alloc::string::String>", "drop_in_place");
	check_bare("<alloc::sync::Arc<T> as core::ops::drop::Drop>::drop", "drop");
	check_bare("<fn(u8) -> u8 as probe::Call>::call", "call");
	check_bare("probe::start()::{lambda(int)#1}::operator()(int) const", "operator()");
	check_bare("probe::start()::{lambda(int)#1}", "start");
	check_bare("{}", "{}");
	check_bare("::{x}", "::{x}");
	check_bare("}", "}");
}

static void test_aliases(void)
{
	check_bare("__GI___libc_free", "free");
	check_bare("__GI___pthread_mutex_lock", "pthread_mutex_lock");
	check_bare("___pthread_mutex_lock", "pthread_mutex_lock");
	check_bare("__interceptor_free", "free");
	check_bare("___interceptor_pthread_create", "pthread_create");
	check_bare("__interceptor_trampoline_realloc", "realloc");
	check_bare("__interceptor_", "__interceptor_");
	check_bare("__pthread_unwind", "__pthread_unwind");
}

static void check_qualified(const char *name, const char *wanted)
{
	struct piece piece = function_qualified(name);
	char *text = strndup(piece.s, piece.len);

	CHECK_STR(text, wanted, "rules match %.60s by %s", name, wanted);
	free(text);
}

static void test_qualified(void)
{
	check_qualified("take_gil", "take_gil");
	check_qualified("take_gil.part.0", "take_gil");
	check_qualified("Datadog::Sampler::postfork_child()", "Datadog::Sampler::postfork_child");
	check_qualified("void std::__invoke<void (*)(int), int>(void (*&&)(int), int&&)",
			"std::__invoke<void (*)(int), int>");
	check_qualified("std::vector<int>& probe::grow<int>(std::vector<int>&) const",
			"probe::grow<int>");
	check_qualified("(anonymous namespace)::come_back(void*)", "come_back");
	check_qualified("probe::(anonymous namespace)::look(int)",
			"probe::(anonymous namespace)::look");
	check_qualified("operator new(unsigned long)", "operator new");
	check_qualified("probe::key::operator bool() const", "probe::key::operator bool");
	check_qualified("<core::cell::RefCell<T> as core::fmt::Debug>::fmt::h0123456789abcdef",
			"core::cell::RefCell<T> as core::fmt::Debug>::fmt");
	check_qualified("<&mut probe::Key as core::fmt::Write>::write_str",
			"probe::Key as core::fmt::Write>::write_str");
	check_qualified("probe::wait<1.5>", "probe::wait<1.5>");
	check_qualified("", "");
	check_qualified("<", "<");
	check_qualified("(", "");
	check_qualified("f(((", "f");
}

static void check_category(const char *function, const char *module, enum frame_category wanted)
{
	struct crash_frame frame = {
		.function = (char *)(uintptr_t)function,
		.module = (char *)(uintptr_t)module,
		.trust = TRUST_EXACT,
	};

	CHECK_STR(category_name(frame_categorise(&frame, NULL)), category_name(wanted),
		  "%s of %s is %s", function, module ? module : "nowhere", category_name(wanted));
}

static void test_categories(void)
{
	check_category("work", LIBPYTHON, CATEGORY_CPYTHON);
	check_category("free", LIBC, CATEGORY_LIBC);
	check_category("_Unwind_ForcedUnwind", LIBGCC, CATEGORY_UNWINDER);
	check_category("__cxa_throw", LIBSTDCXX, CATEGORY_CXX);
	check_category("_dl_open", "/lib64/ld-linux-x86-64.so.2", CATEGORY_LOADER);
	check_category("sample", EXTENSION, CATEGORY_EXTENSION);
	check_category("sample", "/srv/build/so_sampler.so", CATEGORY_EXTENSION);
	check_category("uv_run", "/usr/lib/libuv.so.1", CATEGORY_LIBRARY);
	check_category("work", "/srv/build/host", CATEGORY_PROGRAM);
	check_category("PyEval_RestoreThread", "/srv/build/host", CATEGORY_CPYTHON);
	check_category("stand", "/srv/build/host", CATEGORY_HARNESS);
	check_category("window_enter.part.0", "/srv/build/host", CATEGORY_HARNESS);
	check_category("stand", "/srv/build/server", CATEGORY_PROGRAM);
	check_category("stand_up", "/srv/build/host", CATEGORY_PROGRAM);
	check_category("main", "/usr/bin/python3.13", CATEGORY_CPYTHON);
	check_category("main", "/usr/bin/python-proxy", CATEGORY_PROGRAM);
	check_category("_json_c", "/usr/lib/python3.13/lib-dynload/_json.cpython-313.so",
		       CATEGORY_CPYTHON);
	check_category("PyInit_probe", "/srv/build/host", CATEGORY_PROGRAM);
	check_category("PyGILState_Ensure", NULL, CATEGORY_CPYTHON);
	check_category("pthread_mutex_lock", NULL, CATEGORY_LIBC);
	check_category("sample", NULL, CATEGORY_UNKNOWN);
}

int main(void)
{
	test_names();
	test_suffixes();
	test_rust();
	test_aliases();
	test_qualified();
	test_categories();
	return tap_done();
}
