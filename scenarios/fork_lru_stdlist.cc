// SPDX-License-Identifier: Apache-2.0
/*
 * fork-lru-stdlist: fork-lru-list with the C++ runtime's own containers.
 *
 * The cache is a std::list of frames in order of use and a std::unordered_map into it, as in the
 * profiler in which this was found. A sampler thread works it and is not stopped for a fork; the
 * at-fork child handler calls clear() on both. If the sampler was inside std::list::splice(), in
 * libstdc++'s _List_node_base::_M_transfer(), the list that the child walks is a cycle and entries
 * are destroyed twice. Users saw SIGABRT out of free() below _List_base::_M_clear(), in the child.
 *
 * The fix constructs fresh containers over the old ones, by placement new, and so leaks what the
 * old ones owned: their state is unknown, and so not even their destructors may run.
 *
 * The handler breaks the rule that a child of a threaded process calls async-signal-safe functions
 * only: that is what the real one did.
 */
#include <list>
#include <memory>
#include <new>
#include <pthread.h>
#include <string>
#include <unordered_map>

#include "scenarios/lib/stall.h"
#include "scenarios/scenario.h"

namespace {

/* As in fork_lru_list.c: long enough, quickly filled, eight of nine look-ups are hits. */
constexpr uint64_t CAPACITY = 256;
constexpr uint64_t KEYS = 288;
constexpr int STACK_DEPTH = 32;

struct frame {
	uint64_t key;
	std::string name;
};

class frame_cache {
public:
	frame *lookup(uint64_t key)
	{
		auto found = index.find(key);

		if (found == index.end())
			return nullptr;
		order.splice(order.begin(), order, found->second);
		return found->second->second.get();
	}

	void store(uint64_t key)
	{
		auto made = std::make_unique<frame>(
			frame{ key, "a_function_with_a_name_" + std::to_string(key) });

		if (order.size() == CAPACITY) {
			index.erase(order.back().first);
			order.pop_back();
		}
		order.emplace_front(key, std::move(made));
		index[key] = order.begin();
	}

	void clear()
	{
		order.clear();
		index.clear();
	}

	bool empty() const
	{
		return order.empty() && index.empty();
	}

	/* NULL if list and index agree, else what is broken. */
	const char *check() const
	{
		auto back = order.crbegin();
		uint64_t n = 0;

		for (const auto &entry : order) {
			auto found = index.find(entry.first);

			if (++n > CAPACITY)
				return "the cache's list is longer than it may be";
			if (found == index.end() || &*found->second != &entry)
				return "the cache's index does not lead to an entry of its list";
			if (entry.second->key != entry.first)
				return "the cache holds another key's frame";
		}
		for (; back != order.crend() && n > 0; ++back)
			n--;
		if (n != 0 || back != order.crend())
			return "the cache's list is broken: next and prev disagree";
		if (index.size() != order.size())
			return "the cache's list and its index differ in size";
		return nullptr;
	}

private:
	using entry_list = std::list<std::pair<uint64_t, std::unique_ptr<frame>>>;

	entry_list order;
	std::unordered_map<uint64_t, entry_list::iterator> index;
};

/* Storage, not an object with a destructor: nothing is to happen to it at exit. */
alignas(frame_cache) unsigned char cache_storage[sizeof(frame_cache)];
frame_cache *cache;
uint64_t sampler_random;
struct subject *subject;

void clear_in_child()
{
	if (subject->twin)
		cache = new (cache_storage) frame_cache;
	else
		cache->clear();
}

void setup(struct subject *s)
{
	subject = s;
	sampler_random = subject_random(s) | 1;
	cache = new (cache_storage) frame_cache;
	for (uint64_t key = 0; key < CAPACITY; key++)
		cache->store(key);
	pthread_atfork(nullptr, nullptr, clear_in_child);
	stall_watch(s);
}

/* xorshift64: W's own, since subject_random() is F's. */
uint64_t sampler_key()
{
	sampler_random ^= sampler_random << 13;
	sampler_random ^= sampler_random >> 7;
	sampler_random ^= sampler_random << 17;
	return sampler_random % KEYS;
}

void use_cache(struct subject *s, uint64_t key)
{
	window_enter(s);
	if (!cache->lookup(key))
		cache->store(key);
	window_leave(s);
}

void work(struct subject *s)
{
	while (worker_cycle(s))
		for (int i = 0; i < STACK_DEPTH; i++)
			use_cache(s, sampler_key());
}

/* The child goes on to profile: its cache must work as a new one does. */
void child(struct subject *s)
{
	const char *why = nullptr;

	if (!cache->empty())
		why = "the child's cache is not empty after its handler";
	for (uint64_t key = 0; !why && key < 2 * CAPACITY; key++) {
		if (cache->lookup(key)) {
			why = "the child's cache has a frame that nobody put there";
			break;
		}
		cache->store(key);
		if (!cache->lookup(key - key % 3))
			why = "the child's cache has lost a frame";
	}
	if (!why)
		why = cache->check();
	if (why)
		subject_say(s, OUTCOME_WRONG, why);
}

void check(struct subject *s)
{
	stall_say(s, "nobody was stopped");
}

const char *const links[] = {
	"https://github.com/DataDog/dd-trace-py/pull/17042",
	nullptr,
};

/*
 * Which of the two signals depends on what free() finds first and so on the C library and its
 * tunables. With a tcache, glibc's random tcache_key stands where a freed frame had the address of
 * its name, and is freed in its place: glibc 2.36 and 2.41 read from there (SIGSEGV), 2.43 does so
 * only if the number happens to be aligned, one of 16 (else SIGABRT). Without one older releases
 * follow a pointer that free() has scrambled (SIGSEGV). Of the hits 3 to 6 % died here, but that is
 * the share of one instruction, and another processor may retire its stores in other groups: the
 * floor is far below.
 */
const struct expectation expectations[] = {
	{
		.releases = "",
		.flavours = nullptr,
		.variant = nullptr,
		.twin = false,
		.shows = "SIGABRT SIGSEGV",
		.allows = "ok SIGABRT SIGSEGV",
		.floor = 0.001,
		.source = "dd-trace-py 17042; measured on 3.12.1 to 3.15.2",
	},
	{},
};

} // namespace

extern "C" {
extern const struct scenario scenario_fork_lru_stdlist;

const struct scenario scenario_fork_lru_stdlist = {
	.name = "fork-lru-stdlist",
	.race = "a sampler thread splices in its std::list while another thread forks, and the "
		"child's at-fork handler calls clear() on it",
	.symptom = "the child dies below fork(), in free() or a destructor, now and then",
	.fix = "the child constructs fresh containers by placement new",
	.links = links,
	.operation = OPERATION_FORK,
	.flags = SCENARIO_WINDOW,
	.workers = 1,
	.variants = nullptr,
	.expectations = expectations,
	.unsupported = nullptr,
	.setup = setup,
	.work = work,
	.before = nullptr,
	.child = child,
	.check = check,
};
}
