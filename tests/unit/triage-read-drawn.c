/* SPDX-License-Identifier: Apache-2.0 */
/* Chains that people draw by hand. */
#include "tests/unit/reading.h"
#include "triage/triage.h"

static const struct sample samples[] = {
	{ "below a signal, innermost first",
	  "SIGSEGV in getenv\n"
	  "  → probe::Config::load()\n"
	  "  → probe::Worker::run(int, char **)\n"
	  "  → ProbeThrea\n"
	  "[...]\n",
	  "drawn line 1 incomplete: signal 11\n"
	  "*\n"
	  "    getenv\n"
	  "    probe::Config::load\n"
	  "    probe::Worker::run\n"
	  "    ProbeThrea\n" },
	{ "from the caller inwards, with a remark at its end",
	  "Store::~Store\n"
	  "  -> Engine::~Engine (vector<shared_ptr<Part>>)\n"
	  "    -> Client::~Client   (client.hpp:16)\n"
	  "      -> ... -> pthread_join   <- segfault\n",
	  "drawn line 1 incomplete: signal 11\n"
	  "*\n"
	  "    pthread_join\n"
	  "    Client::~Client client.hpp:16\n"
	  "    Engine::~Engine\n"
	  "    Store::~Store\n" },
	{ "in one line",
	  "It ends so:\n"
	  "main() -> run_loop() -> libprobe.so!probe_get -> abort()\n",
	  "drawn line 2 incomplete: signal 6\n"
	  "*\n"
	  "    abort\n"
	  "    probe_get @libprobe.so\n"
	  "    run_loop\n"
	  "    main\n" },
	{ "called by",
	  "`free()` ← `probe_drop()` ← `probe::Table::~Table()` ← `Py_FinalizeEx`\n",
	  "drawn line 1 incomplete: signal\n"
	  "*\n"
	  "    free\n"
	  "    probe_drop\n"
	  "    probe::Table::~Table\n"
	  "    Py_FinalizeEx\n" },
	{ "names that only Python's stacks have, and a wait",
	  "PyGILState_Ensure() → PyThreadState_New → pthread_mutex_lock → ...\n",
	  "drawn line 1 incomplete: signal\n"
	  "*\n"
	  "    pthread_mutex_lock\n"
	  "    PyThreadState_New\n"
	  "    PyGILState_Ensure\n" },
	{ "bullets below a crash",
	  "Crash in probe_get()\n"
	  "- probe_visit() at table.c:61\n"
	  "- Table::walk\n"
	  "- main\n",
	  "drawn line 1 incomplete: signal\n"
	  "*\n"
	  "    probe_get\n"
	  "    probe_visit table.c:61\n"
	  "    Table::walk\n"
	  "    main\n" },
	{ "ever deeper",
	  "probe_main()\n"
	  "  probe_run()\n"
	  "    probe_get()  <- crash\n",
	  "drawn line 1 incomplete: signal\n"
	  "*\n"
	  "    probe_get\n"
	  "    probe_run\n"
	  "    probe_main\n" },
	{ "with arrows between the lines",
	  "main()\n"
	  "  ↓\n"
	  "probe::run()\n"
	  "  ↓\n"
	  "  → raise() (SIGABRT)\n",
	  "drawn line 1 incomplete: signal 6\n"
	  "*\n"
	  "    raise\n"
	  "    probe::run\n"
	  "    main\n" },
	{ "a program that works",
	  "main() -> parse_options() -> run_loop()\n"
	  "start_up() → read_config() → serve_all()\n"
	  "- parse_options() \n"
	  "- run_loop()\n"
	  "- probe_get()\n",
	  "" },
	{ "sources, diffs, logs and texts",
	  "def probe_get(key: int) -> str:\n"
	  "    return table_get(key) -> None\n"
	  "x => y => z\n"
	  "fn probe_get(key: i32) -> Result<Vec<u8>, Error>\n"
	  "let run_all = () => go_on() => and_so() => forth()\n"
	  "-    probe_get();\n"
	  "-    abort();\n"
	  "+    probe_put();\n"
	  "- `probe_get()` crashes when it is called twice\n"
	  "- `probe_put()` does not\n"
	  "- see main()\n"
	  "10.0.0.1 - - [01/Jan/2026:00:00:00 +0000] \"GET /a->b HTTP/1.1\" 200 5 \"-\" \"probe/1.0\"\n"
	  "[error] 12#12: *3 connect() failed (111: Connection refused) while connecting to upstream\n"
	  "=> Booting the server\n"
	  "=> Run `probe_server --help` for more startup options\n"
	  "Home > Library > probe_get() > crash\n"
	  "<div class=\"a\"> -> <b>\n",
	  "" },
};

/* No more words are kept than somebody draws, and no name is taken for one of a tool's. */
static void check_endless(void)
{
	struct strbuf text = STRBUF_INIT;
	struct traces traces;

	strbuf_addstr(&text, "abort()\n");
	for (int i = 0; i < 5000; i++)
		strbuf_addf(&text, "  -> probe_%d()\n", i);
	strbuf_addstr(&text, "  -> main()\n");
	reports_of(text.buf, text.len, &traces);
	CHECK_INT(traces.n, 1, "a chain of 5000 lines is one report");
	if (traces.n) {
		CHECK_INT(traces.v[0].crash->threads[0].nframes, 256, "bounded");
		CHECK(traces.v[0].crash->retold, "and somebody's words");
	}
	traces_release(&traces);
	strbuf_release(&text);
}

/* The same stack from a tool would be sure. */
static void check_never_sure(void)
{
	static const char text[] =
		"SIGSEGV in _probe.so!probe_child()\n  → fork\n  → os_fork_impl\n";
	struct triage *triage;
	struct traces traces;

	reports_read(text, &traces);
	CHECK_INT(traces.n, 1, "a crash in a handler at fork, drawn");
	if (traces.n) {
		triage = triage_classify(traces.v[0].crash, NULL);
		CHECK_STR(pattern_name(triage->pattern), "fork-safety", "is what it says");
		CHECK_STR(confidence_name(triage->confidence), "medium", "but never sure");
		triage_free(triage);
		traces.v[0].crash->retold = false;
		triage = triage_classify(traces.v[0].crash, NULL);
		CHECK_STR(confidence_name(triage->confidence), "high", "as a tool's stack is");
		triage_free(triage);
	}
	traces_release(&traces);
}

int main(void)
{
	CHECK_SAMPLES(samples);
	check_endless();
	check_never_sure();
	return tap_done();
}
