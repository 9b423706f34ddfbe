# SPDX-License-Identifier: Apache-2.0
#
# Build the host of one interpreter: the program that has this release's Python in it, and the
# scenarios.
#
#	make -f embed/host.mk TOP=<source root> INTERP=<interpreter file> OUT=<directory>
#
# makes OUT/host, and OUT/so_NAME.so of each scenarios/lib/so_NAME.c. Only what changed is built
# again: a source, a header (Python's own included), the interpreter file, this file, or a knob.
#
# The goal `program` makes OUT/NAME of PROGRAM=<…/NAME.c> alone, below TOP: other programs with that
# Python in them, and with what PYTHON_HOME is there.
#
#	CC, CXX     compilers
#	CFLAGS      replaces -g -O2; what hosts cannot do without is added in any case
#	WERROR=1    warnings are errors
#	V=1         show the commands

ifeq ($(origin CC),default)
CC := cc
endif
ifeq ($(origin CXX),default)
CXX := c++
endif
CFLAGS ?= -g -O2
MAKEFLAGS += --no-builtin-rules --no-builtin-variables

.DELETE_ON_ERROR:
.SUFFIXES:

ifeq ($(and $(TOP),$(INTERP),$(OUT)),)
$(error usage: make -f embed/host.mk TOP=<source root> INTERP=<interpreter file> OUT=<directory>)
endif
ifeq ($(wildcard $(INTERP)),)
$(error no interpreter file '$(INTERP)'; type: forkpoint pythons)
endif

ifeq ($(V),1)
Q :=
else
Q := @
endif

# The interpreter file is no makefile: a $ or # in a path must stay what it is.
interp_value = $(shell sed -n 's/^$(1)=//p' '$(INTERP)')
release   := $(call interp_value,release)
include_  := $(call interp_value,include)
idirafter := $(call interp_value,idirafter)
lib       := $(call interp_value,lib)
libs      := $(call interp_value,libs)
loader    := $(call interp_value,loader)
rpath     := $(call interp_value,rpath)

# Python's headers are system headers, so that our warnings are about our code; -MD rather than
# -MMD, so that they are dependencies all the same.
cppflags := -I'$(TOP)' -isystem '$(include_)'
# gcc looks beside the file that a symbolic link leads to; Debian's debug headers are links to the
# release's, which have another pyconfig.h beside them. clang looks beside the link as it is.
cppflags += $(shell echo | $(CC) -Werror -fno-canonical-system-headers -E - >/dev/null 2>&1 && \
	echo -fno-canonical-system-headers)
ifneq ($(idirafter),)
cppflags += -idirafter '$(idirafter)'
endif
cppflags += -D_GNU_SOURCE -MD -MP

warnings := -Wall -Wextra -Wshadow -Wconversion
ifeq ($(WERROR),1)
warnings += -Werror
endif
# Frame pointers make a crash readable where unwind tables fail.
common   := $(CFLAGS) -fno-omit-frame-pointer -pthread $(warnings)
cflags   := -std=gnu17 $(common) -Wstrict-prototypes -Wmissing-prototypes
cxxflags := -std=gnu++17 $(common)

# -z now: lazy binding would put the dynamic linker's work into a window's first pass.
# --export-dynamic: shared objects of scenarios call back into the host.
# --disable-new-dtags: DT_RUNPATH would not hold for what the libraries themselves load.
# --allow-shlib-undefined: a libpython for a newer glibc wants symbols that only its own glibc has.
ldflags := -pthread -Wl,-z,now -Wl,--export-dynamic -Wl,--build-id
ifneq ($(loader),)
ldflags += -Wl,--dynamic-linker='$(loader)' -Wl,--allow-shlib-undefined
endif
ldflags += -Wl,--disable-new-dtags -Wl,-rpath,'$(if $(rpath),$(rpath):)$(dir $(lib))'
ifeq ($(suffix $(lib)),.a)
# Extension modules may want any part of it, also what the host itself does not.
libpython := -Wl,--whole-archive '$(lib)' -Wl,--no-whole-archive $(libs)
else
libpython := '$(lib)' $(libs)
endif
libpython += -ldl -lm

shared_sources := $(sort $(wildcard $(TOP)/scenarios/lib/so_*.c))
c_sources := $(sort $(wildcard $(TOP)/embed/*.c $(TOP)/scenarios/*.c) \
	$(filter-out $(shared_sources),$(wildcard $(TOP)/scenarios/lib/*.c)))
cxx_sources := $(sort $(wildcard $(TOP)/scenarios/*.cc $(TOP)/scenarios/lib/*.cc))

object  = $(patsubst $(TOP)/%,$(OUT)/obj/%.o,$(1))
objects := $(call object,$(c_sources) $(cxx_sources))
shared  := $(patsubst $(TOP)/scenarios/lib/%.c,$(OUT)/%.so,$(shared_sources))
link    := $(if $(cxx_sources),$(CXX),$(CC))

.PHONY: all program
all: $(OUT)/host $(shared)
program: $(if $(PROGRAM),$(OUT)/$(basename $(notdir $(PROGRAM))))

# What is built depends on how, too: the stamp changes when a knob or this machine's compiler does.
how := $(CC) $(CXX) $(cppflags) $(cflags) $(cxxflags) $(ldflags) $(libpython) $(objects)
stamp := $(OUT)/obj/how
quote = '$(subst ','\'',$(1))'
# Nothing that was built in another way is of use; and the dependencies noted with it may name files
# of a source tree that has moved since, at which make would stop.
ifneq ($(shell printf '%s\n' $(call quote,$(how)) | cmp -s - '$(stamp)' && echo same),same)
$(shell rm -rf '$(OUT)/obj')
endif
.PHONY: FORCE
$(stamp): FORCE
	@mkdir -p $(@D)
	@printf '%s\n' $(call quote,$(how)) | cmp -s - $@ || printf '%s\n' $(call quote,$(how)) >$@

everything := $(INTERP) $(TOP)/embed/host.mk $(stamp)

# A user may build libpython anew in its place.
$(OUT)/host: $(objects) $(everything) $(wildcard $(lib))
	$(if $(Q),@echo "  HOST    $(release)")
	$(Q)$(link) $(ldflags) -o $@.new $(objects) $(libpython)
	$(Q)mv -f $@.new $@

$(OUT)/obj/%.c.o: $(TOP)/%.c $(everything)
	@mkdir -p $(@D)
	$(Q)$(CC) $(cppflags) $(cppflags_internal) $(cflags) -c -o $@ $<

$(OUT)/obj/%.cc.o: $(TOP)/%.cc $(everything)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(cppflags) $(cxxflags) -c -o $@ $<

# The one file that may look inside Python.
$(OUT)/obj/embed/compat.c.o: cppflags_internal := -isystem '$(include_)/internal'

$(OUT)/so_%.so: $(TOP)/scenarios/lib/so_%.c $(everything)
	@mkdir -p $(OUT)/obj/so
	$(Q)$(CC) $(cppflags) -MF $(OUT)/obj/so/$*.d -MT $@ $(cflags) -fPIC -shared -Wl,-z,now \
		-Wl,--build-id -Wl,-soname,so_$*.so -o $@.new $<
	$(Q)mv -f $@.new $@

ifneq ($(PROGRAM),)
$(OUT)/$(basename $(notdir $(PROGRAM))): $(call object,$(TOP)/$(PROGRAM)) $(everything) \
		$(wildcard $(lib))
	$(Q)$(CC) $(ldflags) -o $@.new $< $(libpython)
	$(Q)mv -f $@.new $@

$(OUT)/obj/$(PROGRAM).o: cppflags_internal := -isystem '$(include_)/internal' \
	-DPYTHON_HOME='"$(call interp_value,home)"'

-include $(OUT)/obj/$(PROGRAM).d
endif

-include $(objects:.o=.d) $(patsubst $(OUT)/so_%.so,$(OUT)/obj/so/%.d,$(shared))
