# SPDX-License-Identifier: ISC
# GNU make.  No configure step: override any variable on the command line.
# `make help` lists the targets.

MODE       ?= release
B          := build/$(MODE)
PREFIX     ?= /usr/local
SYSCONFDIR ?= /etc
PKG_CONFIG ?= pkg-config
VERSION    := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

# What each program may link besides bin/common.  This table IS the layering.
PROGS               := tarpitd tarpit-policyd tarpit-handoff tarpit-lists tarpitctl
data_USES           :=
policy_USES         := data
tarpitd_USES        := policy data
tarpit-policyd_USES := policy data
tarpit-handoff_USES :=
tarpit-lists_USES   := policy data
tarpitctl_USES      := policy data
LIBS_INTERNAL       := policy data

# The libraries behind it; --as-needed leaves each program with its own.
PKGS := libsystemd libssl libcrypto libmaxminddb libcdb inih jansson libcurl \
        zlib lmdb libcares hiredis libmicrohttpd ncursesw

# Targets that work before the packages are there.
NO_PKGS := help clean packages check lint layers names shell manuals format \
           sanitize coverage mutate fuzz bench fresh ledger data run

ifeq ($(MODE),fuzz)
CC := clang
endif

WARN := -Wall -Wextra -Wshadow -Wundef -Wvla -Wformat=2 -Wpointer-arith \
        -Wcast-qual -Wwrite-strings -Wstrict-prototypes -Wmissing-prototypes \
        -Wold-style-definition -Wimplicit-fallthrough -Wswitch-enum -Wconversion
try  = $(shell $(CC) $(1) -E -xc /dev/null >/dev/null 2>&1 && echo '$(1)')
HARD := -fstack-protector-strong -fstack-clash-protection -fPIE \
        $(call try,-ftrivial-auto-var-init=zero)
LHARD:= -pie -Wl,-z,relro,-z,now -Wl,--as-needed

release_CFLAGS := -O2 -g -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
debug_CFLAGS   := -Og -g3
asan_CFLAGS    := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
cov_CFLAGS     := -O0 -g --coverage
fuzz_CFLAGS    := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -DFUZZING
$(if $($(MODE)_CFLAGS),,$(error MODE must be release, debug, asan, cov or fuzz))

CFLAGS   ?=
ALL_CPPFLAGS := -D_GNU_SOURCE -I. -DSYSCONFDIR='"$(SYSCONFDIR)"' $(CPPFLAGS)
ALL_CFLAGS   := -std=gnu17 $(WARN) $(if $(WERROR),-Werror) $(HARD) $($(MODE)_CFLAGS) $(CFLAGS)
ALL_LDFLAGS  := $(LHARD) $($(MODE)_CFLAGS) $(LDFLAGS)
GOALS := $(or $(MAKECMDGOALS),all)
ifneq ($(filter-out $(NO_PKGS),$(GOALS)),)
$(if $(shell $(PKG_CONFIG) --exists $(PKGS) && echo ok),,$(error pkg-config cannot find all of: $(PKGS); 'make packages' installs them))
PKG_CFLAGS   := $(shell $(PKG_CONFIG) --cflags $(PKGS))
PKG_LIBS     := $(shell $(PKG_CONFIG) --libs $(PKGS)) -lresolv -lm
endif

# A component is a directory; everything in it but main.c goes into one archive.
COMPONENTS := common $(LIBS_INTERNAL) $(PROGS)
common_DIR := bin/common
$(foreach l,$(LIBS_INTERNAL),$(eval $(l)_DIR := $(l)))
$(foreach p,$(PROGS),$(eval $(p)_DIR := bin/$(p)))
objs = $(patsubst %.c,$(B)/%.o,$(filter-out %/main.c,$(wildcard $($(1)_DIR)/*.c)))
uses = $(patsubst %,$(B)/%.a,$(1) $($(1)_USES) $(filter-out $(1),common))
HELPER_SRCS := $(wildcard tests/helpers/*.c)
HELPERS     := $(HELPER_SRCS:%.c=$(B)/%)
PRELOAD_SRCS := $(wildcard tests/helpers/preload/*.c)
PRELOADS    := $(PRELOAD_SRCS:%.c=$(B)/%.so)
SRCS  := $(wildcard bin/*/*.c policy/*.c data/*.c tests/unit/*/*.c tests/fuzz/*/*.c tests/bench/*.c tests/bench/*/*.c) $(HELPER_SRCS) $(PRELOAD_SRCS)
HDRS  := $(wildcard bin/*/*.h policy/*.h data/*.h tests/helpers/*.h tests/bench/*.h)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

all: $(PROGS:%=$(B)/%)   ## build the programs into build/$(MODE)

# One short line for each file that is made; V=1 shows the commands.
brief = $(if $(V),,@printf '  %-5s %s\n' $(1) '$(@:$(B)/%=%)';)

$(B)/%.o: %.c $(B)/.flags
	@mkdir -p $(@D)
	$(call brief,CC)$(CC) $(ALL_CPPFLAGS) $(PKG_CFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Rebuild when flags change, not only when sources do.
FLAGS_NOW := $(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS)
$(B)/.flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(FLAGS_NOW))' | cmp -s - $@ || printf '%s\n' '$(subst ','\'',$(FLAGS_NOW))' > $@
FORCE:

# Only what prints the version is built again when it changes.
VERSION_H := $(B)/version.h
$(VERSION_H): FORCE
	@mkdir -p $(@D)
	@echo '#define VERSION "$(VERSION)"' | cmp -s - $@ || echo '#define VERSION "$(VERSION)"' > $@
$(B)/bin/common/program.o: $(VERSION_H)
$(B)/bin/common/program.o: ALL_CPPFLAGS += -include $(VERSION_H)

define component_rules
$(B)/$(1).a: $(call objs,$(1))
	@rm -f $$@
	@$$(AR) rcs $$@ $$^
$(1)_TESTS := $(patsubst %.c,$(B)/%,$(wildcard tests/unit/$(1)/*_test.c))
$(1)_FUZZ  := $(patsubst %.c,$(B)/%,$(wildcard tests/fuzz/$(1)/*_fuzz.c))
TESTS += $$($(1)_TESTS)
FUZZ  += $$($(1)_FUZZ)
$$($(1)_TESTS): $(B)/%: $(B)/%.o $(call uses,$(1))
	$$(call brief,LINK)$$(CC) $$(ALL_LDFLAGS) -o $$@ $$^ $$(PKG_LIBS)
$$($(1)_FUZZ): $(B)/%: $(B)/%.o $(call uses,$(1))
	$$(call brief,LINK)$$(CC) $$(ALL_LDFLAGS) -fsanitize=fuzzer -o $$@ $$^ $$(PKG_LIBS)
endef
$(foreach c,$(COMPONENTS),$(eval $(call component_rules,$(c))))

define program_rule
$(B)/$(1): $(B)/bin/$(1)/main.o $(call uses,$(1))
	$$(call brief,LINK)$$(CC) $$(ALL_LDFLAGS) -o $$@ $$^ $$(PKG_LIBS)
endef
$(foreach p,$(PROGS),$(eval $(call program_rule,$(p))))

# Small C helpers of the tests, one file each.
$(HELPERS): $(B)/%: $(B)/%.o $(B)/common.a
	$(call brief,LINK)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

# The load generator of the benches is one program.
LOAD := $(B)/tests/bench/load
$(LOAD): $(patsubst %.c,$(B)/%.o,$(wildcard tests/bench/*.c)) $(B)/data.a $(B)/common.a
	$(call brief,LINK)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

# Compiled lists against other ways to keep them, and reading all formats, without
# a server.
LISTS_BENCH := $(B)/tests/bench/lists/lists $(B)/tests/bench/lists/read
$(LISTS_BENCH): %: %.o $(B)/policy.a $(B)/data.a $(B)/common.a
	$(call brief,LINK)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)

# What tests preload into the programs; never with a sanitizer in it.
$(PRELOADS): $(B)/%.so: %.c $(B)/.flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) -std=gnu17 $(WARN) $(if $(WERROR),-Werror) -O2 -fPIC -shared -MMD -MP -o $@ $<

check-build: all $(TESTS) $(HELPERS) $(PRELOADS) $(LOAD) ## build the programs and all tests
fuzz-build: $(FUZZ)

# --- what the README tells users to call -------------------------------------
# Each of these installs what it lacks, and then makes the rest in a second
# run, in which pkg-config finds it.
SUITES       ?= unit integration system
FUZZ_SECONDS ?= 10
NPROC := $(shell nproc)
jobs   = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(NPROC))
again  = +@$(MAKE) --no-print-directory $(jobs)
# Where another MODE is built: build/asan; beside a B that was given.
mode_B = $(if $(filter build/$(MODE),$(B)),build/$(1),$(B)-$(1))
tests_in = @BUILD=$(CURDIR)/$(1) tests/helpers/run-tests $(2)

packages:                ## install the Debian packages that building needs
	@tests/helpers/packages build

run: packages            ## build and start the demonstration; PORT=2525
	$(again) all $(HELPERS)
	@$(fetch_data)
	@BUILD=$(CURDIR)/$(B) PORT=$(or $(PORT),2525) units/demo/run

check:                   ## all tests; SUITES="unit integration system" for some
	@tests/helpers/packages build test
	$(again) check-build
	$(call tests_in,$(B),$(SUITES))

sanitize:                ## unit and integration tests under ASan and UBSan
	@tests/helpers/packages build test
	$(again) MODE=asan B=$(call mode_B,asan) WERROR=1 check-build
	$(call tests_in,$(call mode_B,asan),unit integration)

coverage:                ## what the tests reach; annotated sources in build/cov/gcov
	@tests/helpers/packages build test
	$(again) MODE=cov B=$(call mode_B,cov) check-build
	@find $(call mode_B,cov) -name '*.gcda' -delete
	$(call tests_in,$(call mode_B,cov),$(SUITES))
	@tests/helpers/coverage $(call mode_B,cov)

mutate:                  ## small changes that no test notices; MUTANTS=200 SEED=1 COMPONENT=name
	@tests/helpers/packages build test
	$(again) B=$(call mode_B,mutate) CC='$(mutate_CC)' WERROR= check-build
	@tests/mutate/mutate --build $(call mode_B,mutate) --mutants $(or $(MUTANTS),200) \
	    --seed $(or $(SEED),1) --suites '$(filter unit integration,$(SUITES))' \
	    $(COMPONENT:%=--component %) $(JOBS:%=--jobs %) $(LIST:%=--list %) \
	    CC='$(mutate_CC)' VERSION='$(VERSION)'
mutate_CC = $(if $(findstring ccache,$(CC)),,$(shell command -v ccache)) $(CC)

fuzz:                    ## each fuzzer for FUZZ_SECONDS=10
	@tests/helpers/packages build fuzz
	$(again) MODE=fuzz B=$(call mode_B,fuzz) fuzz-build
	$(again) MODE=fuzz B=$(call mode_B,fuzz) fuzz-run
fuzz-run:
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tests/helpers/run-fuzzers $(FUZZ)

bench:                   ## figures against endlessh and postscreen; BENCH=name
	@tests/helpers/packages build bench
	$(again) all $(HELPERS) $(LOAD) $(LISTS_BENCH)
	$(again) data
	@BUILD=$(CURDIR)/$(B) BENCH='$(BENCH)' tests/bench/run

ledger:                  ## lost and duplicated messages; LEDGER_MESSAGES=100000
	@tests/helpers/packages build test
	$(again) all $(HELPERS)
	@BUILD=$(CURDIR)/$(B) LEDGER_MESSAGES=$(or $(LEDGER_MESSAGES),100000) \
	    bats --tap -f '^ledger: every message' tests/integration/ledger.bats

fresh:                   ## the README in minimal Debian roots; FRESH="12 13"
	@tests/helpers/packages fresh
	@tests/helpers/fresh

siege:                   ## all floods at once; SIEGE_SECONDS=1200
	@tests/helpers/packages build test
	$(again) all $(HELPERS) $(LOAD)
	@BUILD=$(CURDIR)/$(B) SIEGE_SECONDS=$(or $(SIEGE_SECONDS),1200) \
	    SIEGE_STRICT=1 bats --tap tests/integration/siege.bats

data: packages           ## a free country database, into build/data
	$(again) $(B)/tests/helpers/mkmmdb
	@$(fetch_data)
fetch_data = BUILD=$(CURDIR)/$(B) units/demo/fetch-country build/data

# --- lint --------------------------------------------------------------------
MANS   := $(wildcard bin/*/*.[1578] policy/*.5 data/*.5)
SHELLS  = .ci/run $(shell grep -lE '^\#!.*(ba)?sh$$' -r tests units) \
          $(wildcard tests/helpers/*.bash)
BATS    = $(shell find tests -name '*.bats')

lint:                    ## formatting, layers, manual pages, shell, warnings
	@tests/helpers/packages build lint
	$(again) B=$(call mode_B,lint) lint-all
lint-all: format layers headers names manuals shell check-build

format:                  ## C sources look as .clang-format says
	@clang-format --dry-run -Werror $(SRCS) $(HDRS)

layers:                  ## nothing below includes something above
	@! grep -n '^#include "\(bin/[^c]\|policy/\|data/\|tests/\)' bin/common/*.[ch]
	@! grep -n '^#include "\(bin/[^c]\|policy/\|tests/\)' data/*.[ch]
	@! grep -n '^#include "\(bin/[^c]\|tests/\)' policy/*.[ch] /dev/null
	@$(foreach p,$(PROGS),! grep -n '^#include "\(bin\|policy\|data\|tests\)/' \
	    bin/$(p)/*.[ch] | grep -vE '"(bin/(common|$(p))$(subst $() ,,$(foreach \
	    l,$($(p)_USES),|$(l))))/' &&) :

headers: $(HDRS:%=$(B)/%.ok) # every header compiles on its own
$(B)/%.h.ok: %.h $(B)/.flags
	@mkdir -p $(@D)
	@$(CC) $(ALL_CPPFLAGS) $(PKG_CFLAGS) -std=gnu17 -Wall -Werror \
	    -fsyntax-only -MMD -MP -MT $@ -MF $@.d -include $< -xc /dev/null
	@touch $@

# The top level is fixed, and nothing names a place that only one machine has.
names:
	@! git ls-tree --name-only HEAD | \
	    grep -vxE 'bin|units|policy|data|tests|Makefile|README\.md|LICENSE|\..*'
	@! git grep -nIE '/wor[k]/|registr[y]\.|\.npmj[s]\.|deb\.debia[n]\.'

manuals:
	@$(if $(MANS),mandoc -Tlint -Wwarning $(MANS))

shell:
	@shellcheck -x -e SC2015,SC2034 $(SHELLS)
	@shellcheck -x -S info -e SC1091,SC2012,SC2015,SC2016,SC2028,SC2030,SC2031 \
	    -e SC2034,SC2119,SC2120,SC2154 $(BATS)

clean:                   ## remove build/
	rm -rf build
help:                    ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:[^#]*## */\t/' | expand -t 14

-include units/install.mk

.PHONY: all check-build fuzz-build fuzz-run packages run check sanitize \
    coverage mutate fuzz bench fresh ledger data lint lint-all format layers headers names manuals \
    shell clean help FORCE
-include $(SRCS:%.c=$(B)/%.d) $(HDRS:%=$(B)/%.ok.d)
