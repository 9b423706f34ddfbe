/* SPDX-License-Identifier: Apache-2.0 */
/* C++ and Rust names as people write them, and names that were made to cost something. */
#include <stdlib.h>
#include <sys/resource.h>

#include "base/demangle.h"
#include "base/errors.h"
#include "base/strbuf.h"
#include "tests/unit/tap.h"

static void check(const char *mangled, const char *wanted)
{
	char *name = demangle(mangled);

	CHECK_STR(name, wanted, "%.60s is %s", mangled, wanted);
	free(name);
}

static void test_cxx(void)
{
	check("_ZN5probe4fillEi", "probe::fill(int)");
	check("_ZSt9terminatev@@GLIBCXX_3.4", "std::terminate()");
	check("_ZN7Datadog7Sampler14postfork_childEv.cold",
	      "Datadog::Sampler::postfork_child() [clone .cold]");
	check("_Z3fooi.part.0.constprop.3", "foo(int) [clone .part.0] [clone .constprop.3]");
	check("__Z3fooi", "foo(int)");
	check("_ZN12_GLOBAL__N_19come_backEPv", "(anonymous namespace)::come_back(void*)");
}

static void test_rust(void)
{
	check("_RNvC1au6ab_g4t", "a::a?b"); /* U+202E turns a line round */
	check("_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", "core::fmt::Formatter::pad");
	check("_ZN58_$LT$alloc..string..String$u20$as$u20$core..fmt..Debug$GT$3fmt"
	      "17h0123456789abcdefE.llvm.1234",
	      "<alloc::string::String as core::fmt::Debug>::fmt");
	check("_ZN5tokio7runtime4park28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcdefE",
	      "tokio::runtime::park::{{closure}}");
	check("_RNvNtCs1234_7mycrate3foo3bar", "mycrate::foo::bar");
	check("_RNCNvC3foo3bar0.llvm.123", "foo::bar::{closure#0}");
	check("_RINvNtC3std3mem8align_ofdE", "std::mem::align_of::<f64>");
	check("_RNvC3foou8_gdel_5qa", "foo::gödel");
	check("__RNvC3foo3bar", "foo::bar");
	check("_RNvC1a0", "a");
}

static void test_others(void)
{
	check("PyGILState_Ensure", "PyGILState_Ensure");
	check("", "");
	check("_Z", "_Z");
	check("_R", "_R");
	check("_Zlike_a_name", "_Zlike_a_name");
	check("_Rotate", "_Rotate");
	check("fork@@GLIBC_2.2.5", "fork@@GLIBC_2.2.5");
}

static void check_stays(struct strbuf *mangled, const char *what)
{
	char *name = demangle(mangled->buf);

	CHECK(!strcmp(name, mangled->buf), "%s stays as it is", what);
	CHECK(strlen(name) <= mangled->len, "and no longer than it was");
	free(name);
	strbuf_release(mangled);
}

/* Each level names the one before it twice. */
static void cxx_doubles(struct strbuf *name, int levels)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	strbuf_addstr(name, "_Z1f1pIiiE");
	for (int i = 0; i < levels; i++)
		strbuf_addf(name, "S_IS%c_S%c_E", digits[i], digits[i]);
}

static void rust_position(struct strbuf *name, size_t at)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	strbuf_addch(name, 'B');
	at--;
	if (at >= 62)
		strbuf_addch(name, digits[at / 62]);
	strbuf_addch(name, digits[at % 62]);
	strbuf_addch(name, '_');
}

/* `leaf`: a type. */
static void rust_doubles(struct strbuf *name, const char *leaf, int levels)
{
	size_t at = strlen("INvC1a1f"), next;

	strbuf_addf(name, "_RINvC1a1f%s", leaf);
	for (int i = 0; i < levels; i++, at = next) {
		next = name->len - 2; /* positions count behind _R */
		strbuf_addch(name, 'T');
		rust_position(name, at);
		rust_position(name, at);
		strbuf_addch(name, 'E');
	}
	strbuf_addch(name, 'E');
}

static void test_bombs(void)
{
	struct strbuf name = STRBUF_INIT;

	cxx_doubles(&name, 2);
	check(name.buf, "f(p<int, int>, p<p<int, int>, p<int, int> >, p<p<p<int, int>, p<int, "
			"int> >, p<p<int, int>, p<int, int> > >)");
	strbuf_reset(&name);
	cxx_doubles(&name, 30);
	check_stays(&name, "a C++ name of 300 bytes that stands for billions");

	rust_doubles(&name, "m", 2);
	check(name.buf, "a::f::<u32, (u32, u32), ((u32, u32), (u32, u32))>");
	strbuf_reset(&name);
	rust_doubles(&name, "m", 40);
	check_stays(&name, "a Rust name of 400 bytes that stands for as many");
	rust_doubles(&name, "NtC1au8_gdel_5qa", 2);
	check(name.buf, "a::f::<a::gödel, (a::gödel, a::gödel), ((a::gödel, a::gödel), "
			"(a::gödel, a::gödel))>");
	strbuf_reset(&name);
	/* Most of it is this identifier, so it is in it that the limit is met. */
	rust_doubles(&name, "NtC1au40gdelgdelgdelgdelgdelgdelgdelgdelgdel_5qa", 40);
	check_stays(&name, "and one with an identifier in punycode");
}

static void repeat(struct strbuf *name, const char *begin, char c, size_t n, const char *end)
{
	strbuf_addstr(name, begin);
	for (size_t i = 0; i < n; i++)
		strbuf_addch(name, c);
	strbuf_addstr(name, end);
}

static void check_long(const char *begin, char c, size_t n, const char *end, const char *wanted)
{
	struct strbuf mangled = STRBUF_INIT;
	char *name;

	repeat(&mangled, begin, c, n, end);
	name = demangle(mangled.buf);
	CHECK(!strncmp(name, wanted, strlen(wanted)), "%zu levels are read: %s…", n, wanted);
	free(name);
	strbuf_release(&mangled);
}

static void test_depth(void)
{
	/* A thread's stack on musl is not much more. */
	const struct rlimit small = { 1 << 20, 1 << 20 };
	struct strbuf name = STRBUF_INIT;

	CHECK_INT(setrlimit(RLIMIT_STACK, &small), 0, "on a stack of 1 MiB");
	check_long("_Z1f", 'P', 1000, "i", "f(int*");
	check_long("_RINvC1a1f", 'R', 1000, "uE", "a::f::<&&");
	repeat(&name, "_Z1f", 'P', 1000000, "i");
	check_stays(&name, "a C++ name of a million pointers");
	repeat(&name, "_RINvC1a1f", 'R', 1000000, "uE");
	check_stays(&name, "a Rust name of a million references");
	repeat(&name, "_ZN", '1', 1000000, "E");
	check_stays(&name, "a name of a megabyte that is none");
	repeat(&name, "_Z1fI", 'N', 1000000, "");
	check_stays(&name, "and one that only nests");
}

int main(void)
{
	test_cxx();
	test_rust();
	test_others();
	test_bombs();
	test_depth();
	return tap_done();
}
