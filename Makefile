# SPDX-License-Identifier: Apache-2.0
#
# forkpoint: `make run` and `make check` do everything, from a bare machine on. `make help` lists
# the rest.
#
# Knobs, each on the command line or in the environment:
#
#	CC, CXX         compilers (gcc and clang are tried in CI)
#	OBJCOPY         what hides the names within the library (objcopy)
#	CFLAGS          further compiler flags; ours come before them
#	BUILD           where everything is built (build)
#	V=1             show the commands
#	PYTHONS         interpreters for `make run`, as --python takes them ("3.12 3.13d"): all
#	RUNFLAGS        further options of `make run`
#	FUZZ_SECONDS    how long `make fuzz` takes for a target, of which there are some twenty (60)
#	BUDGET          time of a cell in `make run` that chance decides (1.5s)
#	PREFIX, DESTDIR where `make install` puts things (/usr/local)
#	LIBDIR, INCLUDEDIR  where the library and its header go (PREFIX/lib, PREFIX/include)
#
BUILD ?= build
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
BUDGET ?= 1.5s
DATADIR = $(PREFIX)/share/forkpoint
MANDIR = $(PREFIX)/share/man/man1
COMPLETIONDIR = $(PREFIX)/share/bash-completion/completions

CC ?= cc
OBJCOPY ?= objcopy
ALL_CFLAGS = -std=gnu17 -D_GNU_SOURCE -O2 -g -fno-omit-frame-pointer -Wall -Wextra -Wshadow \
	-Wconversion -Wstrict-prototypes -Wmissing-prototypes -Werror -Iharness -I. \
	-DFORKPOINT_DATADIR='"$(DATADIR)"' $(CFLAGS)
LIBS = -ldw -lelf -ljansson -liberty $(DECODER) -lm -ldl -lpthread

# What reads instructions, by the machine that the compiler builds for. Debian 12 has no .pc file.
MACHINE := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine 2>/dev/null)))
DECODER = $(if $(filter x86_64,$(MACHINE)),-lZydis)

# embed/traceback.c serves whoever looks from outside as well.
SOURCES := $(sort $(wildcard harness/*.c harness/*/*.c) embed/traceback.c)
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o)
LIB_OBJECTS := $(filter-out $(BUILD)/harness/main.o,$(OBJECTS))
# What libforkpoint-triage.a is made of: the parts of the program that are pure, and library/.
LIBRARY = $(BUILD)/libforkpoint-triage.a
PURE_SOURCES := $(filter-out harness/triage/cluster.c,$(sort $(wildcard harness/triage/*.c))) \
	harness/observe/crash.c $(patsubst %,harness/base/%.c,demangle memory strbuf text)
PURE_OBJECTS := $(PURE_SOURCES:%.c=$(BUILD)/pic/%.o)
LIBRARY_OBJECTS := $(patsubst %.c,$(BUILD)/pic/%.o,$(sort $(wildcard library/*.c)))

UNITS := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(sort $(wildcard tests/unit/*.c)))

Q = $(if $(V),,@)
say = $(if $(V),,@echo "  $(1)	$(2)")

.PHONY: all help setup pythons run check check-long bench triage-eval update-golden install \
	uninstall clean units fuzz fuzzers

all: $(BUILD)/forkpoint $(LIBRARY)
	@:

help:
	@echo "make              build $(BUILD)/forkpoint and libforkpoint-triage.a"
	@echo "make run          set up, fetch interpreters, reproduce every race, report as TAP"
	@echo "make check        set up and run the tests"
	@echo "make check-long   the tests that take hours' worth of trials"
	@echo "make bench        what users wait for, as ratios"
	@echo "make fuzz         hostile input for all that reads crash reports, under sanitizers"
	@echo "make triage-eval  how often triage is right, on the labelled reports in CORPUS"
	@echo "make update-golden  note anew what triage answers to its own fixtures"
	@echo "make pythons      only provide the interpreters"
	@echo "make install      to PREFIX ($(PREFIX)), under DESTDIR; make uninstall takes it back"
	@echo "make clean        remove $(BUILD)"
	@echo "knobs: see the top of the Makefile"

# What is missing is installed, or told; then make starts again and finds compilers and headers.
setup:
	$(Q)sh ci/setup.sh

# On the way to the report, whose standard output is: `make run >report.tap` holds TAP alone.
pythons: setup
	$(Q)$(MAKE) --no-print-directory all >&2
	$(Q)$(BUILD)/forkpoint pythons fetch >&2

run: pythons
	$(Q)$(BUILD)/forkpoint run --budget $(BUDGET) $(PYTHONS:%=--python %) $(RUNFLAGS)

TESTENV = BUILD=$(abspath $(BUILD)) FORKPOINT=$(abspath $(BUILD))/forkpoint \
	UNITS=$(abspath $(BUILD))/tests/unit FUZZERS=$(abspath $(BUILD))/tests/fuzz \
	FORKPOINT_DATA=$(CURDIR)

check: pythons
	$(Q)$(MAKE) --no-print-directory units fuzzers
	$(Q)$(TESTENV) prove --timer tests/*.t

FUZZERS = $(patsubst tests/fuzz/%.c,$(BUILD)/tests/fuzz/%,\
	$(filter-out %/main.c,$(sort $(wildcard tests/fuzz/*.c))))
FUZZ_SECONDS ?= 60

fuzzers: $(FUZZERS)

# clang has libFuzzer, which sees what an input reaches; elsewhere tests/fuzz/main.c goes by chance.
CLANGS = clang clang-21 clang-20 clang-19 clang-18
FUZZ_CC := $(or $(notdir $(firstword $(foreach c,$(CLANGS),$(shell command -v $c)))),$(CC))
FUZZ_FLAGS = -fsanitize=address,undefined -fno-sanitize-recover=undefined
ifneq ($(filter clang%,$(FUZZ_CC)),)
LIBFUZZER = -fsanitize=fuzzer
FUZZ_FLAGS += -fsanitize=fuzzer-no-link
endif

fuzz: setup
	$(Q)$(MAKE) --no-print-directory units
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/fuzz CC="$(FUZZ_CC)" \
		CFLAGS="$(CFLAGS) $(FUZZ_FLAGS)" FUZZ_ENGINE="$(LIBFUZZER)" fuzzers
	$(Q)$(TESTENV) FUZZERS=$(abspath $(BUILD))/fuzz/tests/fuzz sh tests/fuzz/fuzz.sh \
		-max_total_time=$(FUZZ_SECONDS)

$(BUILD)/tests/fuzz/%: tests/fuzz/%.c tests/fuzz/main.c tests/fuzz/fuzz.h $(LIB_OBJECTS)
	$(call say,FUZZ,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< $(or $(FUZZ_ENGINE),tests/fuzz/main.c) \
		$(filter %.o,$^) $(LIBS)

$(patsubst %,$(BUILD)/tests/fuzz/%,tables chains): $(BUILD)/embed/traceback.o

check-long: pythons
	$(Q)$(TESTENV) prove --timer tests/long/*.t

BENCHES = $(patsubst %,$(BUILD)/tests/bench/%,starts captures steps reports)

bench: pythons
	$(Q)$(MAKE) --no-print-directory $(BENCHES) units
	$(Q)UNITS=$(abspath $(BUILD))/tests/unit FORKPOINT=$(abspath $(BUILD))/forkpoint BENCH=$(abspath $(BUILD))/tests/bench \
		FORKPOINT_DATA=$(CURDIR) CC="$(CC)" sh tests/bench/bench.sh

$(BENCHES): $(BUILD)/%: %.c $(LIB_OBJECTS)
	$(call say,BENCH,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< $(LIB_OBJECTS) $(LIBS)

# A directory of labelled crash reports, which are not in this repository.
CORPUS = ../shared/corpus

triage-eval: $(BUILD)/forkpoint
	$(Q)FORKPOINT=$(abspath $(BUILD))/forkpoint python3 tests/eval/triage-eval.py $(CORPUS) \
		tests/fixtures/triage

# What is expected of a fixture stays; what is answered is written down anew, to be reviewed.
update-golden: $(BUILD)/forkpoint
	$(Q)python3 tests/lib/triage_fixtures.py --update $(abspath $(BUILD))/forkpoint

units: $(UNITS)

$(BUILD)/forkpoint: $(OBJECTS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/%.o: %.c Makefile
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# To be linked into whatever there is, plugins too.
$(BUILD)/pic/%.o: %.c Makefile
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -fPIC -fno-lto -MMD -MP -c -o $@ $<

# One object, of which no name is seen but fpt_*: nothing of the program it is linked with can be
# mistaken for something of it, or the other way round. Within, memory is library/memory.c's.
$(LIBRARY): $(PURE_OBJECTS) $(LIBRARY_OBJECTS) library/memory.syms
	$(call say,AR,$@)
	$(Q)$(CC) -r -nostdlib -o $(BUILD)/pic/pure.o $(PURE_OBJECTS)
	$(Q)$(OBJCOPY) --redefine-syms=library/memory.syms $(BUILD)/pic/pure.o
	$(Q)$(CC) -r -nostdlib -o $(BUILD)/pic/forkpoint-triage.o $(BUILD)/pic/pure.o \
		$(LIBRARY_OBJECTS)
	$(Q)$(OBJCOPY) --wildcard --keep-global-symbol='fpt_*' $(BUILD)/pic/forkpoint-triage.o
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $(BUILD)/pic/forkpoint-triage.o

$(BUILD)/tests/unit/%: tests/unit/%.c $(LIB_OBJECTS)
	$(call say,TEST,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -MMD -MP -o $@ $< $(LIB_OBJECTS) $(LIBS)

# Modes are given, not taken over: who clones with a narrow umask installs for all the same. What an
# earlier release had is taken away first, since hosts are built from every source that lies there.
DATA = $(shell find embed scenarios -type f) $(wildcard harness/base/*.h)

of_prefix = $(patsubst $(PREFIX)/%,$${prefix}/%,$(1))
PC = $(LIBDIR)/pkgconfig/forkpoint-triage.pc
VERSION = $(shell sed -n 's/^\#define FORKPOINT_VERSION "\(.*\)"$$/\1/p' harness/base/version.h)

install: all uninstall
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(MANDIR) $(DESTDIR)$(COMPLETIONDIR) \
		$(DESTDIR)$(INCLUDEDIR) $(DESTDIR)$(LIBDIR)/pkgconfig
	install -m 755 $(BUILD)/forkpoint $(DESTDIR)$(PREFIX)/bin/forkpoint
	install -m 644 $(LIBRARY) $(DESTDIR)$(LIBDIR)/libforkpoint-triage.a
	install -m 644 library/forkpoint-triage.h $(DESTDIR)$(INCLUDEDIR)/forkpoint-triage.h
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(call of_prefix,$(LIBDIR))|' \
		-e 's|@INCLUDEDIR@|$(call of_prefix,$(INCLUDEDIR))|' -e 's|@VERSION@|$(VERSION)|' \
		library/forkpoint-triage.pc.in >$(DESTDIR)$(PC)
	chmod 644 $(DESTDIR)$(PC)
	@for file in $(DATA); do install -D -m 644 $$file $(DESTDIR)$(DATADIR)/$$file || exit; done
	$(BUILD)/forkpoint help --man >$(DESTDIR)$(MANDIR)/forkpoint.1
	$(BUILD)/forkpoint help --complete bash >$(DESTDIR)$(COMPLETIONDIR)/forkpoint
	chmod 644 $(DESTDIR)$(MANDIR)/forkpoint.1 $(DESTDIR)$(COMPLETIONDIR)/forkpoint

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/forkpoint
	rm -f $(DESTDIR)$(LIBDIR)/libforkpoint-triage.a $(DESTDIR)$(PC)
	rm -f $(DESTDIR)$(INCLUDEDIR)/forkpoint-triage.h
	rm -f $(DESTDIR)$(MANDIR)/forkpoint.1 $(DESTDIR)$(COMPLETIONDIR)/forkpoint
	rm -rf $(DESTDIR)$(DATADIR)

clean:
	rm -rf $(BUILD)

-include $(OBJECTS:.o=.d) $(BUILD)/embed/traceback.d $(PURE_OBJECTS:.o=.d) $(LIBRARY_OBJECTS:.o=.d) $(UNITS:=.d)
