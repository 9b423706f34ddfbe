/* SPDX-License-Identifier: Apache-2.0 */
/* The same in C++: members, templates and namespaces, inlined or not. */
namespace acme {
struct Table {
	int *cells, n;
	int get(int i) const;
};

inline __attribute__((always_inline)) int Table::get(int i) const
{
	return cells[i] + i;
}

template <class T> inline __attribute__((always_inline)) int sum(const T &t)
{
	int all = 0;

	for (int i = 0; i < t.n; i++)
		all += t.get(i);
	return all;
}

__attribute__((noinline)) int walk(const Table &t)
{
	int all = sum(t);

	asm volatile("" : "+r"(all) : : "memory");
	return all;
}

namespace {
inline __attribute__((always_inline)) int hidden(const Table &t)
{
	return walk(t) + 1;
}
}

int run(const Table &t)
{
	int all = hidden(t);

	asm volatile("" : "+r"(all) : : "memory");
	return all;
}
}

extern "C" void cxx_run(acme::Table *t)
{
	t->n = acme::run(*t) - 1;
}
