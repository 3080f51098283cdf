# SPDX-License-Identifier: MIT
#
# hilo is built by this one file, without recursion into folders. `make help` lists what it can do.
#
#   MODE=release|debug|small|asan|tsan|fuzz|cov   objects and binaries live in build/<mode>/
#   POLLER=epoll|kqueue|poll                the backend of net::Poller (default: what fits the system)
#   WAKEUP=eventfd|pipe                     how another thread wakes the poller (likewise)
#   TLS=0  DEFLATE=0  SOCKETIO=0            leave out TLS (libssl), permessage-deflate (zlib), Socket.IO
#   UNITY=1                                 files of a folder are compiled as one (default: where CI is set, and in check-all)
#   BUILD=folder   CXX=compiler   CXXFLAGS=more   LDFLAGS=more   V=1 (whole commands)   WERROR=1

VERSION := 0.1.0

BUILD ?= build
MODE ?= release
MODES := release debug small asan tsan fuzz cov
ifeq ($(filter $(MODE),$(MODES)),)
$(error MODE=$(MODE) is unknown; choose one of: $(MODES))
endif
O := $(BUILD)/$(MODE)

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

# One job per core unless the caller named a number, and one more: tests wait more than they compute.
JOBS := $(shell nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
ifeq ($(MAKELEVEL),0)
ifeq ($(filter -j% --jobserver%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell expr 1 + $(JOBS))
endif
endif

# ---- tools -----------------------------------------------------------------------------------
# Make presets CXX and AR, so `?=` would never apply: ask for the origin instead.
ifeq ($(origin CXX),default)
CXX := $(firstword $(foreach name,g++ clang++ c++,$(if $(shell command -v $(name)),$(name))) g++)
endif
ifeq ($(origin AR),default)
AR := ar
endif
NM ?= nm
READELF ?= readelf
PYTHON ?= $(firstword $(wildcard /usr/bin/python3) python3)
FUZZ_CXX ?= clang++
CLANG_FORMAT ?= clang-format-14
CLANG_TIDY ?= clang-tidy
ifeq ($(MODE),fuzz)
override CXX := $(FUZZ_CXX)
endif
SYSTEM := $(shell uname -s)
MACHINE := $(shell uname -m)
IS_CLANG := $(findstring clang,$(shell $(CXX) --version 2>/dev/null))

# ---- what to compile -------------------------------------------------------------------------
# The seams: every system call of a running loop stands in one of these files, and a simulator
# replaces them all. (Files on disk are opened by net/file.cc and net/tls.cc, and stay real.)
ifeq ($(SYSTEM),Linux)
POLLER ?= epoll
else ifneq ($(filter Darwin %BSD,$(SYSTEM)),)
POLLER ?= kqueue
else
POLLER ?= poll
endif
WAKEUP ?= $(if $(filter Linux,$(SYSTEM)),eventfd,pipe)
OS_SOURCES := $(sort $(wildcard net/socket.cc net/clock.cc net/entropy.cc net/resolver.cc \
  net/signals.cc net/wakeup.cc net/wakeup_$(WAKEUP).cc net/poller_$(POLLER).cc))
SEAM_SOURCES := $(OS_SOURCES) $(wildcard net/poller_*.cc net/wakeup_*.cc)

# An option drops files and puts one of the name *_none.cc in their place.
TLS ?= 1
DEFLATE ?= 1
SOCKETIO ?= 1
UNWANTED := $(if $(filter 0,$(TLS)),net/tls.cc net/tls_self_signed.cc net/transport_tls.cc ws/trace/tls_keys.cc, \
  net/tls_none.cc ws/trace/tls_keys_none.cc) \
  $(if $(filter 0,$(DEFLATE)),$(filter-out %_none.cc,$(wildcard ws/core/deflate*.cc)),ws/core/deflate_none.cc)
CORE_SOURCES := $(sort $(filter-out $(UNWANTED),$(wildcard net/base/*.cc ws/core/*.cc ws/c/core_*.cc)))
HILO_SOURCES := $(sort $(filter-out $(SEAM_SOURCES) $(UNWANTED) ws/c/core_%,$(wildcard net/*.cc ws/*.cc ws/c/*.cc)))
SOCKETIO_SOURCES := $(if $(filter 0,$(SOCKETIO)),,$(sort $(wildcard ws/engineio/*.cc ws/socketio/*.cc)))
# What the tool is made of and tests look at, too.
SANDBOX_SOURCES := $(addprefix tools/hilo/,$(if $(filter Linux,$(SYSTEM)),sandbox.cc sandbox_calls.cc,sandbox_none.cc))
TOOLBOX_SOURCES := $(sort $(wildcard tools/bench/*.cc tools/conform/*.cc tools/explain/*.cc tools/fuzz/*.cc \
  tools/tap/*.cc tools/hilo/display.cc tools/hilo/values.cc) $(SANDBOX_SOURCES))
# What looks at a connection from outside: for the tool, and for nobody who only wants to be connected.
TRACE_SOURCES := $(sort $(filter-out $(UNWANTED),$(wildcard ws/trace/*.cc)))
TOOL_SOURCES := $(sort $(filter-out $(TOOLBOX_SOURCES) tools/hilo/sandbox%,$(wildcard tools/hilo/*.cc tools/broken/*.cc)))
# The last chapters, and the museum's, are of what can be left out.
LADDER_SOURCES := $(sort $(filter-out $(if $(filter 0,$(DEFLATE)),%/10_deflate.cc) \
  $(if $(filter 0,$(SOCKETIO)),%/06_older_handshake.cc %/11_engineio.cc %/12_socketio.cc),$(wildcard tools/ladder/[0-9]*.cc)))
SUPPORT_SOURCES := $(sort $(filter-out %/main.cc %_counter.cc,$(wildcard tests/support/*.cc)))
TEST_SOURCES := $(sort $(filter-out $(if $(filter Linux,$(SYSTEM)),,tests/test_sandbox%),$(wildcard tests/test_*.cc)))
SIM_TEST_SOURCES := $(sort $(wildcard tests/sim/test_*.cc))
SIM_SOURCES := $(sort $(filter-out tests/sim/test_%,$(wildcard tests/sim/*.cc)))
# Whole systems on the simulator.
SYSTEM_SOURCES := $(sort $(filter-out %/main.cc,$(wildcard tests/sim/system/*.cc)))
# Visits in which each call fails in turn.
TORTURE_SOURCES := $(sort $(wildcard tests/sim/torture/*.cc))
FUZZ_SOURCES := $(sort $(wildcard fuzz/fuzz_*.cc))
# What the parsers are, and what stands below them.
FUZZED_SOURCES := $(filter-out ws/c/%,$(CORE_SOURCES)) net/address.cc net/address_range.cc $(wildcard $(addsuffix .cc,$(addprefix ws/,redirect \
  proxy_tunnel credentials router forwarded) \
  $(addprefix ws/engineio/,base64 error handshake jsonp packet payload queue session sid text_units) \
  $(addprefix ws/socketio/,error packet values plain_json msgpack decoder encoded_packet))) \
  ws/engineio/query.cc $(TRACE_SOURCES) tools/explain/capture.cc
BENCH_SOURCES := $(sort $(wildcard bench/bench_*.cc))
WEB_ASSETS := $(sort $(filter-out %.h %.cc %.sh %.md,$(wildcard tools/web/*.*)))
HEADERS := $(sort $(wildcard $(addsuffix /*.h,net/base net ws/core ws ws/c ws/engineio ws/socketio)))
ALL_CODE := $(sort $(HEADERS) $(wildcard $(foreach folder,net/base net ws/core ws ws/c ws/engineio \
  ws/socketio ws/trace tests tests/support tests/sim tests/sim/system tests/sim/torture tests/faults tests/c tests/amalgam tests/install tests/interop fuzz bench bench/peers \
  tools/chapters tools/check tools/bench tools/conform tools/broken tools/explain tools/fuzz tools/tap tools/hilo tools/ladder \
  tools/ladder/exercises tools/loops tools/web,$(folder)/*.h $(folder)/*.cc $(folder)/*.c)))

# Files of a folder that are compiled as one take a third of their time, or less, where all is built from
# nothing. One by one they are quicker to build again, and show which include each of them lacks. In
# the release the core and the reactor stay as they are, and so do everywhere files whose unnamed
# namespaces have a name in common with another one of their folder.
UNITY ?= $(if $(filter-out 0 false,$(CI))$(filter check-all,$(MAKECMDGOALS)),1,0)
# Each file is compiled alone by clang++ there, which is as good for finding what it lacks.
ifneq ($(filter check-all,$(MAKECMDGOALS)),)
export UNITY
endif
UNITED := $(if $(filter release asan tsan fuzz cov,$(MODE)),$(filter 1,$(UNITY)))
ALONE := $(addprefix tools/conform/,cases_fragmentation.cc cases_limits.cc cases_server_handshake.cc deflate.cc report_html.cc \
    report_junit.cc) \
  $(addprefix tools/bench/,expectation.cc peer.cc report_html.cc report_text.cc) tools/fuzz/faults_frames.cc \
  $(addprefix tools/hilo/,bench.cc conform.cc connect.cc explain.cc fuzz.cc lesson_service.cc main.cc serve.cc \
    serve_broken.cc tap.cc values.cc)
UNITS :=
# Its name, and its files.
define unit
UNITS += $(1)
UNIT_SOURCES_$(1) := $(filter-out $(ALONE),$(2))
$(foreach source,$(filter-out $(ALONE),$(2)),$(eval UNIT_OF_$(source) := $(O)/unity/$(1).o))
endef
ifeq ($(UNITED)$(MODE),1fuzz)
$(eval $(call unit,fuzzed,$(filter-out net/base/%,$(FUZZED_SOURCES))))
else ifneq ($(UNITED),)
ifneq ($(MODE),release)
$(eval $(call unit,core,$(filter ws/core/%,$(CORE_SOURCES))))
$(eval $(call unit,net,$(filter net/%,$(HILO_SOURCES))))
endif
$(eval $(call unit,c,$(filter ws/c/%,$(HILO_SOURCES))))
$(eval $(call unit,ws,$(filter-out ws/c/%,$(filter ws/%,$(HILO_SOURCES)))))
$(eval $(call unit,engineio,$(filter ws/engineio/%,$(SOCKETIO_SOURCES))))
$(eval $(call unit,socketio,$(filter ws/socketio/%,$(SOCKETIO_SOURCES))))
$(eval $(call unit,trace,$(TRACE_SOURCES)))
$(foreach name,bench conform explain fuzz tap,$(eval $(call unit,$(name),$(filter tools/$(name)/%,$(TOOLBOX_SOURCES)))))
$(foreach name,hilo broken,$(eval $(call unit,$(name),$(filter tools/$(name)/%,$(TOOL_SOURCES)))))
$(eval $(call unit,support,$(SUPPORT_SOURCES)))
$(eval $(call unit,sim,$(SIM_SOURCES)))
$(eval $(call unit,system,$(SYSTEM_SOURCES)))
$(eval $(call unit,torture,$(TORTURE_SOURCES)))
endif
objects = $(sort $(foreach source,$(1),$(or $(UNIT_OF_$(source)),$(O)/$(source:.cc=.o))))
# What `make purity` looks into. `make check` has what ships; a lint alone, which is to be quick, compiles
# each room as one and does not optimise: no less is left to an initialiser, or to the system, then.
PURE_SOURCES := $(sort $(CORE_SOURCES) $(HILO_SOURCES) $(OS_SOURCES) $(SOCKETIO_SOURCES))
ifneq ($(filter check check-all check-steps,$(MAKECMDGOALS)),)
PURE_OBJECTS := $(call objects,$(PURE_SOURCES))
else
pure_unit = pure/$(or $(filter ws/core/deflate,$(1:.cc=)),$(if $(filter ws/c/core_%,$(1)),ws/c/core_all),$(dir $(1))all)
$(foreach source,$(PURE_SOURCES),$(eval UNIT_SOURCES_$(call pure_unit,$(source)) += $(source)))
PURE_UNITS := $(sort $(foreach source,$(PURE_SOURCES),$(call pure_unit,$(source))))
$(foreach name,$(PURE_UNITS),$(eval UNIT_FLAGS_$(name) := -O0 -g0 -U_FORTIFY_SOURCE))
UNITS += $(PURE_UNITS)
PURE_OBJECTS := $(PURE_UNITS:%=$(O)/unity/%.o)
endif
CORE_LIB := $(O)/libhilo-core.a
OS_LIB := $(O)/libhilo-os.a
HILO_LIB := $(O)/libhilo.a
SOCKETIO_LIB := $(if $(SOCKETIO_SOURCES),$(O)/libhilo-socketio.a)
SUPPORT_LIB := $(O)/tests/libsupport.a
TOOLBOX_LIB := $(O)/tools/libtoolbox.a
TRACE_LIB := $(O)/libhilo-trace.a
LIBRARIES := $(SOCKETIO_LIB) $(HILO_LIB) $(OS_LIB) $(CORE_LIB)  # in link order
# The tool has commands for all of it, and its conformance tester breaks DEFLATE by means of zlib.
HILO := $(if $(filter 0,$(DEFLATE) $(SOCKETIO)),,$(if $(TOOL_SOURCES),$(O)/hilo))

# ---- flags -----------------------------------------------------------------------------------
# -Wswitch-enum: a switch names every enumerator, so a new one is found everywhere it matters.
# -Wconversion: lengths from the wire are narrowed on purpose or not at all.
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wswitch-enum -Wold-style-cast -Wnon-virtual-dtor
ifneq ($(filter-out 0 false,$(CI) $(WERROR)),)
WARNINGS += -Werror
endif

# Release is hardened, and figures are taken on it. The instruction set is not raised: kernels that
# want more are chosen while running.
HARDENING := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -D_GLIBCXX_ASSERTIONS -fstack-protector-strong \
  -fstack-clash-protection -ftrivial-auto-var-init=zero
ifneq ($(filter x86_64 amd64 i686,$(MACHINE)),)
HARDENING += -fcf-protection=full
else ifneq ($(filter aarch64 arm64,$(MACHINE)),)
HARDENING += -mbranch-protection=standard
endif
ifneq ($(IS_CLANG),)
HARDENING += $(shell echo | $(CXX) -fsyntax-only -x c++ -ftrivial-auto-var-init=zero - 2>/dev/null || \
  echo -enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang)
endif
ifneq ($(SYSTEM),Darwin)
HARDENED_LINK := -pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack
endif

ASAN := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
# One set of objects for programs, archives and shared libraries. Without interposition the compiler
# may inline as in a program, and calls within a library go straight to their ends when it is linked.
PIC := -fPIC -fno-semantic-interposition
# -g1: lines and functions are what a stack trace and a profile show, and compile a third faster.
MODE_FLAGS_release := -O2 -g1 -DNDEBUG $(PIC) $(HARDENING)
# For small machines: without what only finds faults, the program optimised as a whole, and a linker
# that leaves out what nobody calls, and binds all symbols at the start, so that no call goes by way of
# the procedure linkage table; in one piece, for what two parts have in common each would have for itself.
# The objects are whole ones, too, for those who link otherwise.
SMALL_LTO := $(if $(IS_CLANG),,-flto=auto -flto-partition=one)
# (-Oz, where the compiler has it: g++ 12, clang.)
ifeq ($(MODE),small)
SMALL_O := $(shell echo | $(CXX) -Oz -fsyntax-only -x c++ - 2>/dev/null && echo -Oz)
endif
MODE_FLAGS_small := $(or $(SMALL_O),-Os) -DNDEBUG -fPIE -fno-plt -ffunction-sections -fdata-sections $(SMALL_LTO) $(if $(SMALL_LTO),-ffat-lto-objects)
MODE_FLAGS_debug := -O0 -g $(PIC) -D_GLIBCXX_ASSERTIONS
MODE_FLAGS_asan := -O1 -g1 -fPIC -D_GLIBCXX_ASSERTIONS $(ASAN)
MODE_FLAGS_tsan := -O1 -g1 -fPIC -D_GLIBCXX_ASSERTIONS -fsanitize=thread
MODE_FLAGS_fuzz := -O1 -g1 -D_GLIBCXX_ASSERTIONS $(ASAN) -fsanitize=fuzzer-no-link \
  -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
# An assertion is a branch that no test can take, so coverage is counted without them.
MODE_FLAGS_cov := -O0 -g1 -DNDEBUG --coverage -fprofile-update=atomic
MODE_LINK_release := $(HARDENED_LINK)
# Segments without gaps between their pages, and a tenth of the relocations: where the linker knows how,
# and glibc reads those, from 2.36 on. (\043 is the sign that begins a comment here.)
ifeq ($(MODE),small)
SMALL_LINK := -Wl,-z,noseparate-code -Wl,-z,pack-relative-relocs
SMALL_LINK := $(shell printf '\043include <features.h>\n\043if !__GLIBC_PREREQ(2, 36)\n\043error\n\043endif\nint main() {}\n' | \
  $(CXX) -x c++ -pie -Wl,--fatal-warnings $(SMALL_LINK) -o /dev/null - 2>/dev/null && echo $(SMALL_LINK))
endif
MODE_LINK_small := -pie -Wl,--gc-sections -Wl,-z,now -Wl,--build-id=none -s $(SMALL_LTO) $(SMALL_LINK)
MODE_LINK_asan := $(ASAN)
MODE_LINK_tsan := -fsanitize=thread
MODE_LINK_fuzz := $(ASAN)
MODE_LINK_cov := --coverage

CPPFLAGS += -I.
# Machines with 32 bits count seconds beyond 2038 and bytes beyond 2 GB only when told so.
ifneq ($(filter arm armv% i386 i486 i586 i686,$(MACHINE)),)
CPPFLAGS += -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64
endif
ALL_FLAGS = -std=c++20 $(MODE_FLAGS_$(MODE)) $(WARNINGS) -pthread \
  $(if $(filter cov,$(MODE)),,-ffile-prefix-map=$(CURDIR)=.) $(CPPFLAGS) $(CXXFLAGS)
LINK_FLAGS = $(MODE_LINK_$(MODE)) -pthread $(LDFLAGS)
# A hundred test programs are linked three times over, by gold in half the time where it is. (It does not
# know what makes MODE=small smaller.)
# (Of clang's ASan gold says much, and nothing that matters.)
TEST_LINK := $(if $(filter-out small,$(MODE)),$(if $(shell command -v ld.gold),$(if $(and $(IS_CLANG),$(filter asan,$(MODE))),,-fuse-ld=gold)))

# libcrypto stays without TLS: SHA-1 for the handshake, and random numbers.
TLS_LIBS ?= $(if $(filter 0,$(TLS)),,-lssl) -lcrypto
DEFLATE_LIBS ?= $(if $(filter 0,$(DEFLATE)),,-lz)
BENCH_LIBS ?= -lbenchmark_main -lbenchmark
# On Linux, POLLER=kqueue runs on libkqueue: KQUEUE=<folder of its source, built by cmake in build/>.
ifneq ($(KQUEUE),)
KQUEUE_CFLAGS ?= -isystem $(KQUEUE)/build/include -isystem $(KQUEUE)/include
KQUEUE_LIBS ?= -L$(KQUEUE)/build -Wl,-rpath,$(KQUEUE)/build -lkqueue
endif
LIBS = $(TLS_LIBS) $(DEFLATE_LIBS) $(if $(filter kqueue,$(POLLER)),$(KQUEUE_LIBS))

# ---- how to compile --------------------------------------------------------------------------
ifeq ($(V),1)
quiet =
else
quiet = @printf '  %-5s %s\n' '$(1)' '$(if $(2),$(2),$@)';
endif

HILO_FLAGS := -DHILO_VERSION='"$(VERSION)"'
# Flags, tables and reports gain nothing from -O2, which takes a third longer.
TOOL_FLAGS := $(if $(filter release,$(MODE)),-O1)
# What is no hot path is a third faster to compile under a sanitizer if it is not optimised.
SANITIZED_O0 := $(if $(filter asan tsan,$(MODE)),-O0)
define compile
@mkdir -p $(@D)
$(call quiet,CXX,$<)$(CXX) $(ALL_FLAGS) $(1) -MMD -MP -c $< -o $@
endef
# The seams use addresses, which are no seam, so libhilo stands behind libhilo-os once more; and whoever
# takes all of net as one needs the seams again.
linked = $(filter %.o,$^) $(filter %.a %.so,$^) $(filter %/libhilo.a,$^) $(filter %/libhilo-os.a %/libhilo-core.a,$^)
define link
@mkdir -p $(@D)
$(call quiet,LINK)$(CXX) $(ALL_FLAGS) $(linked) $(LINK_FLAGS) $(LIBS) $(1) -o $@
endef
define archive
@mkdir -p $(@D)
$(call quiet,AR)rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)
endef

# A stamp is a file that changes only when its text does: what depends on it is made again then.
define stamp
@mkdir -p $(@D)
@printf '%s\n' '$(subst ','\'',$(strip $(1)))' | cmp -s - $@ || printf '%s\n' '$(subst ','\'',$(strip $(1)))' > $@
endef
FORCE:
# Where the tree lies changes no object: -ffile-prefix-map leaves it out of them.
$(O)/flags: FORCE
	$(call stamp,$(VERSION) $(CXX) $(shell $(CXX) -dumpfullversion -dumpversion 2>/dev/null) $(filter-out \
	  -ffile-prefix-map=%,$(ALL_FLAGS)) $(KQUEUE_CFLAGS) $(filter-out -O0,$(TEST_OPTIMIZED)))
$(O)/link_flags: FORCE
	$(call stamp,$(LINK_FLAGS) $(LIBS))
$(O)/os_sources: FORCE
	$(call stamp,$(OS_SOURCES))
$(O)/core_sources: FORCE
	$(call stamp,$(CORE_SOURCES))
$(O)/hilo_sources: FORCE
	$(call stamp,$(HILO_SOURCES))
$(O)/socketio_sources: FORCE
	$(call stamp,$(SOCKETIO_SOURCES))
$(O)/fuzzed_sources: FORCE
	$(call stamp,$(FUZZED_SOURCES))
$(O)/support_sources: FORCE
	$(call stamp,$(SUPPORT_SOURCES))
$(O)/toolbox_sources: FORCE
	$(call stamp,$(TOOLBOX_SOURCES))
$(O)/trace_sources: FORCE
	$(call stamp,$(TRACE_SOURCES))
$(O)/web_assets: FORCE
	$(call stamp,$(WEB_ASSETS))

# The order-only prerequisites install what a bare machine lacks; elsewhere they say nothing.
$(O)/%.o: %.cc $(O)/flags | .setup-build
	$(call compile)
# doctest prints an error code only where it may include <ostream>. Tests are compiled more often
# than they run, and optimising them takes three times as long; what they test is optimised.
# UBSan looks at the library alone: in tests it would see doctest's own code above all.
TEST_OPTIMIZED ?= -O0
TEST_FLAGS := -DDOCTEST_CONFIG_USE_STD_HEADERS -DDOCTEST_CONFIG_SUPER_FAST_ASSERTS $(TEST_OPTIMIZED) $(if $(filter debug,$(MODE)),,-g0) -U_FORTIFY_SOURCE \
  $(if $(filter asan,$(MODE)),-fno-sanitize=undefined)
$(O)/tests/%.o: tests/%.cc $(O)/flags | .setup-test
	$(call compile,$(TEST_FLAGS))
# What runs thousands of systems is worth optimising.
$(O)/tests/sim/virtual_%.o: tests/sim/virtual_%.cc $(O)/flags | .setup-test
	$(call compile,$(TEST_FLAGS) -O1)
$(O)/tests/sim/system/%.o: tests/sim/system/%.cc $(O)/flags | .setup-test
	$(call compile,$(TEST_FLAGS) -O1)
UNIT_FLAGS_ws := $(SANITIZED_O0)
UNIT_FLAGS_c := $(SANITIZED_O0)
UNIT_FLAGS_engineio := $(SANITIZED_O0)
UNIT_FLAGS_socketio := $(SANITIZED_O0)
UNIT_FLAGS_bench := $(SANITIZED_O0)
UNIT_FLAGS_broken := $(SANITIZED_O0)
$(foreach name,trace conform explain fuzz tap,$(eval UNIT_FLAGS_$(name) := $(TOOL_FLAGS) $(SANITIZED_O0)))
UNIT_FLAGS_hilo := $(TOOL_FLAGS) $(SANITIZED_O0) $(HILO_FLAGS)
UNIT_FLAGS_support := $(TEST_FLAGS)
# Where targets run a few thousand times and no longer, compiling them costs more than running them;
# what they run through is optimised all the same.
FUZZ_OPTIMIZED := $(if $(UNITED),-O0)
$(foreach name,sim system,$(eval UNIT_FLAGS_$(name) := $(TEST_FLAGS) -O1))
UNIT_FLAGS_torture := $(TEST_FLAGS)
# Each file alone is held to -Wshadow; and what is included need not be a header.
UNIT_WARNINGS := -Wno-shadow $(if $(IS_CLANG),,-Wno-subobject-linkage)
define unit_rules
$(O)/unity/$(1).sources: FORCE
	$$(call stamp,$(UNIT_SOURCES_$(1)))
$(O)/unity/$(1).cc: $(O)/unity/$(1).sources
	@printf '#include "%s"\n' $(UNIT_SOURCES_$(1)) > $$@
$(O)/unity/$(1).o: $(O)/unity/$(1).cc $(O)/flags | .setup-$(if $(filter support sim system torture,$(1)),test,build)
	$$(call compile,$(UNIT_FLAGS_$(1)) $(UNIT_WARNINGS))
endef
$(foreach name,$(UNITS),$(eval $(call unit_rules,$(name))))
# Half of a compilation is reading what many files include, so that is compiled once for each kind
# (the core's tests see the core alone). PRECOMPILED=0 finds the file that relies on it for an include
# of its own; check-all builds so.
PRECOMPILED ?= 1
# clang instantiates the templates of such a header once, and not in every file again.
PRECOMPILED_FLAGS := $(if $(IS_CLANG),-fpch-instantiate-templates)
# Name, header, what to install first, more flags.
define precompile
$(O)/precompiled/$(1).h: $(2)
	@mkdir -p $$(@D)
	@printf '#include "%s"\n' $$< > $$@
$(O)/precompiled/$(1).h.gch: $(O)/precompiled/$(1).h $(O)/flags | .setup-$(3)
	$$(call quiet,CXX,$(2))$$(CXX) $$(ALL_FLAGS) $(4) $$(PRECOMPILED_FLAGS) -MMD -MP -x c++-header $$< -o $$@
endef
# Folder or beginning of the files, and the same.
define with_precompiled
$(O)/$(1)%.o: $(1)%.cc $(O)/flags $(O)/precompiled/$(2).h.gch | .setup-$(3)
	$$(call compile,$(4) -include $(O)/precompiled/$(2).h)
endef
ifeq ($(PRECOMPILED)$(UNITED)$(MODE),11release)
# Of the tool's files some stay alone, whose names others use, too.
$(eval $(call precompile,tool,tools/check/precompiled_socketio.h,build,$(TOOL_FLAGS)))
$(eval $(call with_precompiled,tools/conform/,tool,build,$(TOOL_FLAGS)))
$(eval $(call with_precompiled,tools/hilo/,tool,build,$(TOOL_FLAGS) $(HILO_FLAGS)))
else ifeq ($(PRECOMPILED)$(UNITED),1)
$(eval $(call precompile,test,tests/support/precompiled.h,test,$(TEST_FLAGS)))
$(eval $(call precompile,test_socketio,tests/support/precompiled_socketio.h,test,$(TEST_FLAGS)))
$(foreach kind,test_net_ test_ws_ test_engineio_ test_trace_ sim/test_,$(eval \
  $(call with_precompiled,tests/$(kind),test,test,$(TEST_FLAGS))))
$(eval $(call with_precompiled,tests/test_socketio_,test_socketio,test,$(TEST_FLAGS)))
ifneq ($(filter release asan tsan cov,$(MODE)),)
$(eval $(call precompile,core,tools/check/precompiled_library.h,build))
$(eval $(call precompile,library,tools/check/precompiled_library.h,build,$(SANITIZED_O0)))
$(eval $(call precompile,socketio,tools/check/precompiled_socketio.h,build,$(SANITIZED_O0)))
$(eval $(call with_precompiled,net/,core,build))
$(eval $(call with_precompiled,ws/,library,build,$(SANITIZED_O0)))
$(eval $(call with_precompiled,ws/core/,core,build))
$(eval $(call with_precompiled,ws/socketio/,socketio,build,$(SANITIZED_O0)))
$(eval $(call with_precompiled,ws/trace/,socketio,build,$(TOOL_FLAGS) $(SANITIZED_O0)))
$(eval $(call with_precompiled,tools/explain/,socketio,build,$(TOOL_FLAGS) $(SANITIZED_O0)))
$(eval $(call with_precompiled,tools/fuzz/,socketio,build,$(TOOL_FLAGS) $(SANITIZED_O0)))
$(eval $(call with_precompiled,tools/tap/,socketio,build,$(TOOL_FLAGS) $(SANITIZED_O0)))
$(eval $(call with_precompiled,tools/bench/,library,build,$(SANITIZED_O0)))
$(eval $(call with_precompiled,tools/conform/,library,build,$(TOOL_FLAGS) $(SANITIZED_O0)))
$(eval $(call with_precompiled,tools/hilo/,socketio,build,$(TOOL_FLAGS) $(SANITIZED_O0) $(HILO_FLAGS)))
endif
endif
$(O)/bench/%.o: bench/%.cc $(O)/flags | .setup-bench
	$(call compile)
$(O)/fuzz/%.o: fuzz/%.cc $(O)/flags | .setup-$(if $(filter fuzz,$(MODE)),check,build)
	$(call compile,$(FUZZ_OPTIMIZED))
$(O)/ws/trace/%.o: ws/trace/%.cc $(O)/flags | .setup-build
	$(call compile,$(TOOL_FLAGS))
$(O)/tools/chapters/%.o: tools/chapters/%.cc $(O)/flags | .setup-build
	$(call compile,$(TOOL_FLAGS))
$(O)/tools/conform/%.o: tools/conform/%.cc $(O)/flags | .setup-build
	$(call compile,$(TOOL_FLAGS))
$(O)/tools/explain/%.o: tools/explain/%.cc $(O)/flags | .setup-build
	$(call compile,$(TOOL_FLAGS))
$(O)/tools/fuzz/%.o: tools/fuzz/%.cc $(O)/flags | .setup-build
	$(call compile,$(TOOL_FLAGS))
$(O)/tools/tap/%.o: tools/tap/%.cc $(O)/flags | .setup-build
	$(call compile,$(TOOL_FLAGS))
$(O)/tools/hilo/%.o: tools/hilo/%.cc $(O)/flags | .setup-build
	$(call compile,$(TOOL_FLAGS) $(HILO_FLAGS))
$(O)/net/poller_kqueue.o: net/poller_kqueue.cc $(O)/flags | .setup-build
	$(call compile,$(KQUEUE_CFLAGS))
$(O)/gen/%.o: $(O)/gen/%.cc $(O)/flags | .setup-build
	$(call compile)
# Programs that run once; but they are measured, too (MODE=small).
MEASURED_FLAGS := $(if $(filter release,$(MODE)),-O0 -U_FORTIFY_SOURCE)
$(O)/gen/readme_%.o: $(O)/gen/readme_%.cc $(O)/flags | .setup-build
	$(call compile,$(MEASURED_FLAGS))
$(O)/tests/embedded_%.o: tests/embedded_%.cc $(O)/flags | .setup-test
	$(call compile,$(MEASURED_FLAGS))

$(CORE_LIB): $(call objects,$(CORE_SOURCES)) $(O)/core_sources
	$(call archive)
$(OS_LIB): $(call objects,$(OS_SOURCES)) $(O)/os_sources
	$(call archive)
$(HILO_LIB): $(call objects,$(HILO_SOURCES)) $(O)/hilo_sources
	$(call archive)
$(O)/libhilo-socketio.a: $(call objects,$(SOCKETIO_SOURCES)) $(O)/socketio_sources
	$(call archive)
$(SUPPORT_LIB): $(call objects,$(SUPPORT_SOURCES)) $(O)/support_sources
	$(call archive)
$(TRACE_LIB): $(call objects,$(TRACE_SOURCES)) $(O)/trace_sources
	$(call archive)
$(TOOLBOX_LIB): $(call objects,$(TOOLBOX_SOURCES)) $(O)/toolbox_sources
	$(call archive)

# ---- the programs ----------------------------------------------------------------------------
.PHONY: all run help libraries
libraries: $(LIBRARIES)
all: $(LIBRARIES) $(HILO)  ## the libraries and the tool, in build/<mode>/ (the default; TLS=0 DEFLATE=0 SOCKETIO=0: less)

LISTEN ?= 127.0.0.1:8080
run: all  ## serve the demo page (LISTEN=127.0.0.1:8080)
	$(O)/hilo serve --listen $(LISTEN)

TOOL_LINKED := $(call objects,$(TOOL_SOURCES)) $(if $(WEB_ASSETS),$(O)/gen/web_assets.o) $(TOOLBOX_LIB) $(TRACE_LIB)
$(O)/hilo: $(TOOL_LINKED) $(LIBRARIES) $(O)/link_flags
	$(call link)

# The files of tools/web are part of the binary: .incbin takes them in as they are.
$(O)/gen/web_assets.cc: tools/web/embed.sh $(O)/web_assets $(WEB_ASSETS)
	@mkdir -p $(@D)
	$(call quiet,EMBED)sh tools/web/embed.sh $(WEB_ASSETS) > $@
$(O)/gen/web_assets.o: $(WEB_ASSETS)
$(O)/gen/web_assets.o: private MODE_FLAGS_small += -fno-lto  # which does not see what the assembler defines

LADDER := $(patsubst tools/ladder/%.cc,$(O)/ladder/%,$(LADDER_SOURCES))
# The older handshake is what ws/trace knows of it; that library uses the others and stands before them.
$(LADDER): $(O)/ladder/%: $(O)/tools/ladder/%.o $(if $(filter 0,$(SOCKETIO)),,$(TRACE_LIB)) $(LIBRARIES) $(O)/link_flags
	$(call link)
.PHONY: ladder
ladder:  ## one small program per layer, each with its self-check; `test` runs them, too
	+@$(SELF) T='ladder_*' test

# Each chapter has an exercise: what is asked, cases that fail until somebody answers, and how the
# engine answers. The cases are compiled once and linked twice: with the engine's answers, where all
# hold, and with what learners find, where in each exercise some must not.
EXERCISES := $(notdir $(LADDER_SOURCES:.cc=))
EXERCISE_FOLDER := tools/ladder/exercises
EXERCISE_NUMBER := $(if $(filter 1 2 3 4 5 6 7 8 9,$(N)),0)$(N)
EXERCISE := $(if $(N),$(firstword $(filter $(EXERCISE_NUMBER) $(EXERCISE_NUMBER)_%,$(EXERCISES))))
EXERCISE_ANSWER := $(EXERCISE_FOLDER)/$(EXERCISE)$(if $(SOLUTION),_$(SOLUTION))
EXERCISE_TESTS := $(O)/exercises/solved $(O)/exercises/unsolved
EXERCISE_LIBRARIES := $(if $(filter 0,$(SOCKETIO)),,$(TRACE_LIB)) $(LIBRARIES) $(O)/link_flags
EXERCISE_FLAGS := $(TEST_FLAGS) -Wno-unused-parameter -DEXERCISE_COUNT=$(words $(EXERCISES))
$(O)/$(EXERCISE_FOLDER)/%.o: $(EXERCISE_FOLDER)/%.cc $(O)/flags | .setup-test
	$(call compile,$(EXERCISE_FLAGS) -g)
$(O)/$(EXERCISE_FOLDER)/unsolved.o: $(O)/exercises/cases.sources
# Its name, its files, how they become one.
define exercise_unit
$(O)/exercises/$(1).sources: FORCE
	$$(call stamp,$(2))
$(O)/exercises/$(1).cc: $(2) $(O)/exercises/$(1).sources tools/check/unite.awk
	@$(3) $(2) > $$@
$(O)/exercises/$(1).o: $(O)/exercises/$(1).cc $(O)/flags | .setup-test
	$$(call compile,$(EXERCISE_FLAGS) $(UNIT_WARNINGS))
endef
$(eval $(call exercise_unit,cases,$(EXERCISES:%=$(EXERCISE_FOLDER)/%_test.cc),awk -f tools/check/unite.awk))
$(eval $(call exercise_unit,engine,$(EXERCISES:%=$(EXERCISE_FOLDER)/%_engine.cc),printf '#include "%s"\n'))
$(eval $(call exercise_unit,learner,$(EXERCISES:%=$(EXERCISE_FOLDER)/%.cc),printf '#include "%s"\n'))
$(O)/exercises/solved: $(addprefix $(O)/,exercises/cases.o exercises/engine.o $(EXERCISE_FOLDER)/judge.o) $(EXERCISE_LIBRARIES)
	$(call link,$(TEST_LINK))
$(O)/exercises/unsolved: $(addprefix $(O)/,exercises/cases.o exercises/learner.o $(EXERCISE_FOLDER)/unsolved.o) $(EXERCISE_LIBRARIES)
	$(call link,$(TEST_LINK))
.PHONY: exercise
ifneq ($(EXERCISE),)
$(O)/exercises/judged: $(addprefix $(O)/,$(EXERCISE_FOLDER)/$(EXERCISE)_test.o $(EXERCISE_ANSWER).o $(EXERCISE_FOLDER)/judge.o) $(EXERCISE_LIBRARIES) FORCE
	$(call link,$(TEST_LINK))
exercise: $(O)/exercises/judged  ## a chapter's exercise, N=07: what holds of your answer (SOLUTION=engine: of hilo's); without N the list
	@$< $(EXERCISE_ANSWER).cc
else
exercise:
	@$(if $(N),echo 'there is no exercise $(N)';) for name in $(EXERCISES); do \
	  printf '  N=%-20s %s\n' $$name "$$(sed -n 's/^TEST_SUITE_BEGIN("[^:]*: \(.*\)");/\1/p' $(EXERCISE_FOLDER)/$${name}_test.cc)"; done
	@echo 'make exercise N=07 is one of them; tools/ladder/README.md tells how to work with them.'$(if $(N),; exit 1)
endif

# What the chapters of net/ and ws/ show: their READMEs are made from its output (make docs). Calls are
# those of Linux.
CHAPTERS := $(if $(filter Linux,$(SYSTEM)),$(if $(HILO),$(patsubst tools/chapters/%.cc,$(O)/chapters/%,$(wildcard tools/chapters/*.cc))))
$(CHAPTERS): $(O)/chapters/%: $(O)/tools/chapters/%.o $(TOOLBOX_LIB) $(TRACE_LIB) $(LIBRARIES) $(O)/link_flags
	$(call link)

# hilo in other people's loops, whose libraries `test` installs; `all` needs none of them. Small
# programs, of which each includes much: not optimised.
LOOPS := $(patsubst tools/loops/%.cc,$(O)/loops/%,$(sort $(wildcard tools/loops/*.cc)))
LOOPS_FLAGS := -O0 -g0 -U_FORTIFY_SOURCE
LOOPS_FLAGS_glib = $(patsubst -I%,-isystem %,$(shell pkg-config --cflags glib-2.0))
LOOPS_LIBS_glib := -lglib-2.0
LOOPS_LIBS_libuv := -luv
ifneq ($(PRECOMPILED),0)
$(eval $(call precompile,loops,tools/loops/visit.h,test,$(LOOPS_FLAGS)))
LOOPS_PRECOMPILED := $(O)/precompiled/loops.h
endif
$(O)/tools/loops/%.o: tools/loops/%.cc $(O)/flags $(addsuffix .gch,$(LOOPS_PRECOMPILED)) | .setup-test
	$(call compile,$(LOOPS_FLAGS) $(LOOPS_FLAGS_$*) $(addprefix -include ,$(LOOPS_PRECOMPILED)))
$(LOOPS): $(O)/loops/%: $(O)/tools/loops/%.o $(LIBRARIES) $(O)/link_flags
	$(call link,$(TEST_LINK) $(LOOPS_LIBS_$*))

# ---- tests -----------------------------------------------------------------------------------
# T=core_mask picks one test, T='core_*' several; T=interop_<name> picks a script of tests/interop,
# and T='ladder_*' or T='loops_*' the programs of tools/ladder or tools/loops, T='exercises_*' the
# exercises.
TESTS := $(patsubst %.cc,$(O)/%,$(TEST_SOURCES) $(SIM_TEST_SOURCES))
# Of the conformance tester, the fuzzer, the load generator, the tap and the sandbox, which are part of
# the tool.
TOOLBOX_TESTS := $(filter $(O)/tests/test_conform_% $(O)/tests/test_bench_% $(O)/tests/test_fuzz_% \
  $(O)/tests/test_tap_% $(O)/tests/test_sandbox%,$(TESTS))
# Programs in C99 over the C headers: that of the session with the core alone.
C_TESTS := $(patsubst tests/c/%.c,$(O)/tests/c/%,$(wildcard tests/c/*.c))
# Programs that embed less than all of hilo, and end by themselves.
EMBEDDED_PROGRAMS := $(addprefix $(O)/tests/embedded_,session echo)
# Programs over what `make amalgam` writes.
AMALGAM_TESTS := $(addprefix $(O)/tests/amalgam/,core all)
INTEROP := $(sort $(shell find tests/interop -maxdepth 1 -type f -perm -u+x 2>/dev/null))
ifneq ($(T),)
picked = $(foreach file,$(1),$(if $(filter $(subst *,%,$(T)),$(patsubst test_%,%,$(notdir $(file)))),$(file)))
TESTS_PICKED := $(strip $(call picked,$(TESTS)))
INTEROP_PICKED := $(strip $(foreach script,$(INTEROP),$(if $(filter $(subst *,%,$(T)),interop_$(basename \
  $(notdir $(script)))),$(script))))
picked_programs = $(foreach program,$(1),$(if $(filter $(subst *,%,$(T)),$(notdir $(patsubst \
  %/,%,$(dir $(program))))_$(notdir $(program))),$(program)))
LADDER_PICKED := $(strip $(call picked_programs,$(LADDER) $(LOOPS) $(EXERCISE_TESTS)))
EMBEDDED_PICKED := $(strip $(call picked_programs,$(C_TESTS) $(EMBEDDED_PROGRAMS) $(AMALGAM_TESTS)))
else
# What has one thread has no races: ThreadSanitizer looks at tests that start one, and at those that
# look a name up, which does. AddressSanitizer looks at what others embed: not at the tester,
# and at the core by its fuzzers alone unless ASAN_CORE is set, as check-all does. Neither looks at
# the sandbox, which allows what the tool calls and not what a sanitizer does.
TESTS_PICKED := $(TESTS)
ifeq ($(MODE),tsan)
TESTS_PICKED := $(patsubst %.cc,$(O)/%,$(shell grep -lE '<thread>|resolver\.h|://localhost' \
  $(filter-out tests/test_sandbox%,$(TEST_SOURCES))))
else ifeq ($(MODE),asan)
TESTS_PICKED := $(filter-out $(TOOLBOX_TESTS) $(if $(ASAN_CORE),,$(O)/tests/test_core_%),$(TESTS))
endif
# Other people's programs need to meet hilo only as it is shipped.
INTEROP_PICKED := $(if $(filter release,$(MODE)),$(INTEROP))
LADDER_PICKED := $(if $(filter release,$(MODE)),$(LADDER) $(LOOPS) $(EXERCISE_TESTS))
# The amalgamation is compiled whole beside the sanitizers, where clang++ takes half the time.
EMBEDDED_PICKED := $(if $(filter-out tsan,$(MODE)),$(C_TESTS) $(EMBEDDED_PROGRAMS)) \
  $(if $(filter release asan,$(MODE)),$(O)/tests/amalgam/$(if $(filter asan,$(MODE))$(filter poll,$(POLLER)),all,core))
endif

# malloc is replaced in the tests that count allocations, and in no other; and so are the system calls
# in those that count them.
counting = $(patsubst %.cc,$(O)/%,$(shell grep -ls 'support/$(1).h' $(TEST_SOURCES) $(SIM_TEST_SOURCES)))
COUNTING := $(call counting,allocation_counter)
$(call counting,call_counter): $(O)/tests/support/call_counter.o
SIM_OBJECTS := $(call objects,$(SIM_SOURCES))
$(if $(UNITED),$(O)/unity/test_counting,$(COUNTING)): $(O)/tests/support/allocation_counter.o
# Tests that are compiled as one are one program, of which each test's own is the part in its file.
ifneq ($(UNITED),)
UNITABLE := $(filter-out $(call counting,call_counter) $(addprefix $(O)/tests/,test_net_kernel_manners \
  sim/test_sim_system sim/test_sim_torture),$(TESTS_PICKED))
# Its name, and its programs.
define test_unit
UNITED_TESTS += $(2)
$(O)/unity/$(1).sources: FORCE
	$$(call stamp,$(2))
$(O)/unity/$(1).cc: $(patsubst $(O)/%,%.cc,$(2)) tools/check/unite.awk $(O)/unity/$(1).sources
	@awk -f tools/check/unite.awk $$(filter %.cc,$$^) > $$@
$(O)/unity/$(1).o: $(O)/unity/$(1).cc $(O)/flags | .setup-test
	$$(call compile,$(TEST_FLAGS) $(UNIT_WARNINGS))
$(O)/unity/$(1): $(O)/unity/$(1).o $(O)/tests/support/main.o $(if $(filter test_sim,$(1)),$(SIM_OBJECTS))
$(2): $(O)/unity/$(1)
	@mkdir -p $$(@D)
	@printf '#!/bin/sh\nexec %s --source-file="*/%s.cc" "$$$$@"\n' $(abspath $(O))/unity/$(1) $$(@F) > $$@ && chmod +x $$@
endef
test_kind = $(filter $(addprefix $(O)/tests/test_,$(addsuffix %,$(1))),$(filter-out $(COUNTING),$(UNITABLE)))
# Two halves of what is largest: they are compiled side by side.
half = $(wordlist $(1),$(2),$(call test_kind,ws_))
$(eval $(call test_unit,test_ws_1,$(call half,1,18)))
$(eval $(call test_unit,test_ws_2,$(call half,19,99)))
$(foreach kind,core engineio net socketio,$(eval $(call test_unit,test_$(kind),$(call test_kind,$(kind)_))))
$(eval $(call test_unit,test_rest,$(call test_kind,base_ trace_ defaults)))
$(eval $(call test_unit,test_tools,$(filter $(TOOLBOX_TESTS),$(UNITABLE))))
$(eval $(call test_unit,test_counting,$(filter $(COUNTING),$(UNITABLE))))
$(eval $(call test_unit,test_sim,$(filter $(O)/tests/sim/%,$(UNITABLE))))
endif
$(filter-out $(UNITED_TESTS),$(patsubst %.cc,$(O)/%,$(SIM_TEST_SOURCES))): $(O)/tests/sim/%: $(O)/tests/sim/%.o $(SIM_OBJECTS) \
    $(O)/tests/support/main.o $(SUPPORT_LIB) $(SOCKETIO_LIB) $(HILO_LIB) $(CORE_LIB) $(O)/link_flags
	$(call link,$(TEST_LINK))
SYSTEM_OBJECTS := $(call objects,$(SYSTEM_SOURCES))
$(O)/tests/sim/test_sim_torture: $(call objects,$(TORTURE_SOURCES))
$(O)/tests/sim/test_sim_system: $(SYSTEM_OBJECTS)
$(O)/tests/sim/system/sim: $(O)/tests/sim/system/main.o $(SYSTEM_OBJECTS) $(SIM_OBJECTS) $(SOCKETIO_LIB) $(HILO_LIB) \
    $(CORE_LIB) $(O)/link_flags
	$(call link,$(TEST_LINK))
SEED ?= 1
.PHONY: sim mutants
mutants: $(O)/tests/sim/system/sim  ## small faults put into the engine, and what finds each (ARGS="engineio")
	@BUILD=$(BUILD) $(PYTHON) tests/mutants/run.py $(ARGS)
sim: $(O)/tests/sim/system/sim  ## whole systems on a virtual network where all goes wrong (SEED=1 RUNS=2000)
	@$< $(SEED) $(if $(filter file,$(origin RUNS)),2000,$(RUNS))
# Under a sanitizer the libraries are large, so that tests share them: each would copy 50 MB.
ifneq ($(filter asan tsan,$(MODE)),)
TEST_LIBRARIES := $(O)/tests/libhilo-all.so
# (What is tested under ThreadSanitizer has no C.)
$(TEST_LIBRARIES): $(call objects,$(filter-out $(if $(filter tsan,$(MODE)),ws/c/%),$(sort \
    $(CORE_SOURCES) $(HILO_SOURCES) $(OS_SOURCES) $(SOCKETIO_SOURCES) \
    $(if $(filter asan,$(MODE)),$(TRACE_SOURCES))))) $(O)/link_flags
	$(call link,-shared $(TEST_LINK))
$(TEST_LIBRARIES): private LDFLAGS += -Wl,-soname,libhilo-all.so
TEST_LINK += -Wl,-rpath,$(abspath $(O))/tests
else
TEST_LIBRARIES := $(TRACE_LIB) $(LIBRARIES)
endif
$(O)/unity/test_tools: $(TOOLBOX_LIB) $(TRACE_LIB) $(LIBRARIES) $(O)/link_flags
	$(call link,$(TEST_LINK))
$(filter-out $(UNITED_TESTS),$(TOOLBOX_TESTS)): $(O)/tests/%: $(O)/tests/%.o $(O)/tests/support/main.o $(TOOLBOX_LIB) \
    $(TRACE_LIB) $(LIBRARIES) $(O)/link_flags
	$(call link,$(TEST_LINK))
$(addprefix $(O)/unity/test_,core engineio net socketio ws_1 ws_2 rest counting): $(SUPPORT_LIB) $(TEST_LIBRARIES) $(O)/link_flags
	$(call link,$(TEST_LINK))
$(O)/unity/test_sim: $(SUPPORT_LIB) $(SOCKETIO_LIB) $(HILO_LIB) $(CORE_LIB) $(O)/link_flags
	$(call link,$(TEST_LINK))
$(filter-out $(TOOLBOX_TESTS) $(UNITED_TESTS),$(patsubst %.cc,$(O)/%,$(TEST_SOURCES))): $(O)/tests/%: $(O)/tests/%.o \
    $(O)/tests/support/main.o $(SUPPORT_LIB) $(TEST_LIBRARIES) $(O)/link_flags
	$(call link,$(TEST_LINK))
# The core stands alone: no reactor, no sockets, nothing but libcrypto and zlib.
$(O)/tests/link_core: $(O)/tests/link_core.o $(call objects,$(CORE_SOURCES)) $(O)/link_flags
	$(call link,$(TEST_LINK))
# C99 to the letter, by the C compiler that belongs to $(CXX). They are linked by $(CXX), which knows
# the runtime of C++. GCC's analyser looks at them, too; C++ it does not know yet.
C_FLAGS := -std=c99 -pedantic -Wall -Wextra -Werror -O1 -g1 -fPIE -pthread $(if $(IS_CLANG),,-fanalyzer) \
  $(if $(filter asan,$(MODE)),$(ASAN))
define c_compile
@mkdir -p $(@D)
$(call quiet,CC,$<)$(CXX) -x c $(C_FLAGS) $(CPPFLAGS) -MMD -MP -c $< -o $@
endef
$(O)/tests/c/%.o: tests/c/%.c $(O)/flags | .setup-build
	$(call c_compile)
$(O)/tests/c/session: $(if $(filter asan,$(MODE)),$(TEST_LIBRARIES),$(CORE_LIB))
$(filter-out %/session,$(C_TESTS)): $(TEST_LIBRARIES)
$(C_TESTS): $(O)/tests/c/%: $(O)/tests/c/%.o $(O)/link_flags
	$(call link,$(TEST_LINK))
# The program of ws/c/README.md is compiled as it stands there.
$(O)/tests/c/readme.c: ws/c/README.md
	@mkdir -p $(@D)
	@awk '/^```c$$/ { on = 1; next } /^```$$/ { on = 0 } on' $< > $@
$(O)/tests/c/readme.o: $(O)/tests/c/readme.c
	$(call c_compile)
$(O)/tests/c/readme: $(O)/tests/c/readme.o $(TEST_LIBRARIES) $(O)/link_flags
	$(call link,$(TEST_LINK))
# hilo.h and hilo.cc, as somebody would take them into a project: no library of ours, no path to us.
AMALGAM_FILES := $(foreach part,core all,$(addprefix $(BUILD)/amalgam/$(part)/hilo,.h .cc))
$(AMALGAM_FILES): $(BUILD)/amalgam/written ;
$(BUILD)/amalgam/written: tools/amalgam/amalgamate.py tools/check/check_layers.py tools/check/layers.txt LICENSE \
    Makefile $(filter-out ws/c/% ws/engineio/% ws/socketio/%,$(HEADERS) $(CORE_SOURCES) $(HILO_SOURCES) $(SEAM_SOURCES)) | .setup-test
	$(call quiet,AMALG,$(BUILD)/amalgam)$(PYTHON) tools/amalgam/amalgamate.py --version $(VERSION) --core $(BUILD)/amalgam/core && \
	  $(PYTHON) tools/amalgam/amalgamate.py --version $(VERSION) $(BUILD)/amalgam/all && touch $@
.PHONY: amalgam
amalgam: $(AMALGAM_FILES)  ## hilo.h and hilo.cc, in build/amalgam/core (the protocol alone) and all
AMALGAM_DEFINES := $(if $(filter poll,$(POLLER)),-DHILO_POLLER_POLL) $(if $(filter pipe,$(WAKEUP)),-DHILO_WAKEUP_PIPE)
$(AMALGAM_TESTS): $(O)/tests/amalgam/%: tests/amalgam/%.cc $(BUILD)/amalgam/%/hilo.cc \
    $(BUILD)/amalgam/%/hilo.h $(O)/flags $(O)/link_flags
	@mkdir -p $(@D)
	$(call quiet,CXX,$(BUILD)/amalgam/$*/hilo.cc)$(CXX) -std=c++20 -O0 $(WARNINGS) $(AMALGAM_DEFINES) \
	  -I$(BUILD)/amalgam/$* $(filter %.cc,$^) $(LIBS) -pthread -o $@
# The programs of the README are compiled as they stand there.
README_NUMBERS := 1 2 3 4
README_PROGRAMS := $(addprefix $(O)/tests/readme_,$(README_NUMBERS))
$(patsubst %,$(O)/gen/readme_%.cc,$(README_NUMBERS)): $(O)/gen/readme_%.cc: README.md
	@mkdir -p $(@D)
	@awk '/^```cpp$$/ { on = ++block == $*; next } /^```$$/ { on = 0 } on' $< > $@
$(README_PROGRAMS): $(O)/tests/readme_%: $(O)/gen/readme_%.o $(TEST_LIBRARIES) $(O)/link_flags
	$(call link,$(TEST_LINK))

# Our parsers of packets, for a script that holds them against others'.
$(O)/tests/interop/packet_batch: $(O)/tests/interop/packet_batch.o $(LIBRARIES) $(O)/link_flags
	$(call link,$(TEST_LINK))
ifneq ($(filter %/packet_parsers.mjs,$(INTEROP_PICKED)),)
test-programs: $(O)/tests/interop/packet_batch
endif
# What else is asked for all that is asked of hilo serve.
ifneq ($(filter %/conform.py,$(INTEROP_PICKED)),)
test-programs: $(O)/loops/small
endif

# Most tests wait for deadlines and for other programs, and not for a core.
TEST_JOBS := $(shell expr 2 '*' $(JOBS))
.PHONY: test test-programs
test-programs: $(TESTS_PICKED) $(LADDER_PICKED) $(EMBEDDED_PICKED) $(if $(INTEROP_PICKED),$(HILO)) \
  $(if $(T),,$(O)/tests/link_core $(if $(filter tsan,$(MODE)),,$(O)/tests/c/readme) $(if $(filter asan tsan,$(MODE)),,$(README_PROGRAMS)))
test: test-programs | .setup-test  ## every test (T=name: one); the last line counts them
	@BUILD=$(BUILD) CXX='$(CXX)' HILO=$(O)/hilo $(PYTHON) tools/check/run_tests.py --mode $(MODE) --jobs $(TEST_JOBS) \
	  --summary $(O)/test_summary $(INTEROP_PICKED) $(LADDER_PICKED) $(EMBEDDED_PICKED) $(TESTS_PICKED)

# What programs print, pieces of sources, and the limits: READMEs have them from there.
DOCS = @$(if $(CHAPTERS),$(PYTHON) tools/check/docs.py --build $(O),:)
.PHONY: docs docs-check
docs: $(HILO) $(LADDER) $(CHAPTERS)  ## dumps, figures and snippets of the READMEs, and ws/LIMITS.md, made anew
	$(DOCS)
docs-check: $(HILO) $(LADDER) $(CHAPTERS)  ## ... or found out of date
	$(DOCS) --check

.PHONY: conform-peers
conform-peers: $(HILO) | .setup-test .setup-peers  ## hilo conform against other people's libraries: a table
	@HILO=$(O)/hilo $(PYTHON) tests/interop/peers/run.py $(O)/conform_peers

MINUTES ?= 10
.PHONY: soak
soak: $(HILO)  ## good and bad traffic for MINUTES=10, then a report with plots in build/release/soak (ARGS="--help")
	@HILO=$(O)/hilo $(PYTHON) tests/soak/soak.py --minutes $(MINUTES) --output $(O)/soak $(ARGS)

# Faults of the system, the network and the process, by number (F='F4 F12'; tests/faults). Some are
# shown by tests that are there already.
FAULT_TESTS := $(addprefix $(O)/tests/test_,net_tls net_timers net_loop_calls ws_connection ws_client \
  ws_server_destroy ws_client_destroy ws_sender ws_hub) $(addprefix $(O)/tests/sim/test_sim_,stall fd_reuse system)
.PHONY: faults
faults: $(HILO) $(FAULT_TESTS) | .setup-test .setup-faults  ## faults F1 to F38 against the release (F='F4 F12', RUNS=20)
	@BUILD=$(O) HILO=$(abspath $(O))/hilo $(PYTHON) tests/faults/run.py --runs $(if $(filter file,$(origin RUNS)),1,$(or $(RUNS),1)) $(F)

# ---- fuzzing ---------------------------------------------------------------------------------
# The targets read parsers and state machines, which need no reactor: that is all that is built.
FUZZ_NAMES := $(patsubst fuzz/fuzz_%.cc,%,$(FUZZ_SOURCES))
FUZZ_PICKED := $(if $(T),$(filter $(subst *,%,$(T)),$(FUZZ_NAMES)),$(FUZZ_NAMES))
TIME ?= 60
RUNS ?= 4000
$(O)/fuzz/libfuzzed.a: $(call objects,$(FUZZED_SOURCES)) $(O)/fuzzed_sources
	$(call archive)
FUZZ_LIBS_wslay := -lwslay
FUZZ_MAIN := $(if $(filter fuzz,$(MODE)),,$(O)/fuzz/driver_main.o)
# Whole endpoints, on the simulator and with all that stands below them.
FUZZ_WHOLE := $(filter whole_%,$(FUZZ_NAMES))
$(addprefix $(O)/fuzz/,$(filter-out $(FUZZ_WHOLE),$(FUZZ_NAMES))): $(O)/fuzz/%: $(O)/fuzz/fuzz_%.o \
    $(FUZZ_MAIN) $(O)/fuzz/libfuzzed.a $(O)/link_flags
	$(call link,$(if $(filter fuzz,$(MODE)),-fsanitize=fuzzer) $(FUZZ_LIBS_$*))
FUZZED_OBJECTS := $(addprefix $(O)/fuzz/,program_entry.o served.o connecting.o)
$(addprefix $(O)/fuzz/,$(FUZZ_WHOLE)): $(O)/fuzz/%: $(O)/fuzz/fuzz_%.o $(FUZZ_MAIN) $(FUZZED_OBJECTS) \
    $(SIM_OBJECTS) $(SOCKETIO_LIB) $(HILO_LIB) $(CORE_LIB) $(O)/link_flags
	$(call link,$(if $(filter fuzz,$(MODE)),-fsanitize=fuzzer))

.PHONY: fuzz fuzz-smoke fuzz-replay fuzz-replay-whole fuzz-merge fuzz-programs
fuzz-programs: $(addprefix $(O)/fuzz/,$(FUZZ_PICKED))
RUN_FUZZ = @$(PYTHON) tools/check/run_fuzz.py
fuzz: .setup-check  ## libFuzzer for TIME=60 seconds a target (T=name: one), and a table; finds stay in the build folder
	+@$(SELF) MODE=fuzz fuzz-programs
	$(RUN_FUZZ) --folder $(BUILD)/fuzz/fuzz --seconds $(TIME) $(FUZZ_PICKED)
# Whole endpoints would have all libraries compiled once more: check replays them by fuzz-replay-whole.
fuzz-smoke: .setup-check  ## the stored corpora, and then RUNS=4000 runs a target in all
	+@$(SELF) MODE=fuzz T='$(or $(T),$(filter-out $(FUZZ_WHOLE),$(FUZZ_NAMES)))' fuzz-programs
	$(RUN_FUZZ) --folder $(BUILD)/fuzz/fuzz --runs $(RUNS) $(if $(T),$(FUZZ_PICKED),$(filter-out $(FUZZ_WHOLE),$(FUZZ_NAMES)))
fuzz-replay: .setup-check  ## the stored corpora once more, with any compiler
	+@$(SELF) BUILD=$(BUILD)/replay MODE=asan UNITY=0 fuzz-programs
	$(RUN_FUZZ) --folder $(BUILD)/replay/asan/fuzz --replay $(FUZZ_PICKED)
fuzz-replay-whole: .setup-check  ## the stored corpora of whole endpoints, by the objects of test-asan
	+@$(SELF) MODE=asan CXX='$(SANITIZER_CXX)' T='$(FUZZ_WHOLE)' fuzz-programs
	$(RUN_FUZZ) --folder $(BUILD)/asan/fuzz --replay $(FUZZ_WHOLE)
fuzz-merge: .setup-check  ## what was found goes to fuzz/corpus, as few files as cover as much (T=name: one)
	+@$(SELF) MODE=fuzz fuzz-programs
	$(RUN_FUZZ) --folder $(BUILD)/fuzz/fuzz --merge $(FUZZ_PICKED)

# ---- benchmarks ------------------------------------------------------------------------------
BENCH_NAMES := $(patsubst bench/bench_%.cc,%,$(BENCH_SOURCES))
BENCH_PICKED := $(if $(B),$(filter $(subst *,%,$(B)),$(BENCH_NAMES)),$(BENCH_NAMES))
$(addprefix $(O)/bench/,$(BENCH_NAMES)): $(O)/bench/%: $(O)/bench/bench_%.o $(LIBRARIES) $(O)/link_flags
	$(call link,$(BENCH_LIBS))
SOCKETIO_BENCH := $(addprefix $(O)/bench/socketio_,server load)
.PHONY: bench bench-compare bench-programs
bench-programs: $(addprefix $(O)/bench/,$(BENCH_NAMES)) $(SOCKETIO_BENCH)
bench: $(addprefix $(O)/bench/,$(BENCH_PICKED))  ## benchmarks (B=name: one); JSON in build/release/bench
	@for name in $(BENCH_PICKED); do \
	  $(O)/bench/$$name --benchmark_out=$(O)/bench/$$name.json --benchmark_out_format=json $(ARGS) || exit 1; done
$(SOCKETIO_BENCH): $(O)/bench/%: $(O)/bench/%.o $(LIBRARIES) $(O)/link_flags
	$(call link)
.PHONY: bench-socketio
bench-socketio: $(SOCKETIO_BENCH) | .setup-test  ## our Socket.IO server beside npm's on Node, in turns (ARGS="--rounds 7")
	@BUILD=$(O)/bench $(PYTHON) bench/socketio_peers.py $(ARGS)
# Other people's servers, by their own libraries, at -O3 as their authors advise.
PEERS := $(addprefix $(O)/bench/peers/,raw beast websocketpp libwebsockets)
PEER_FLAGS := -O3 -DNDEBUG -pthread
PEER_LIBS_beast := -lssl -lcrypto
PEER_LIBS_websocketpp := -lz
$(O)/bench/peers/libwebsockets: tests/interop/peers/libwebsockets_echo.c | .setup-bench-peers
	@mkdir -p $(@D)
	$(call quiet,CC)cc $(PEER_FLAGS) $< -lwebsockets -o $@
$(filter-out %/libwebsockets,$(PEERS)): $(O)/bench/peers/%: bench/peers/%.cc | .setup-bench-peers
	@mkdir -p $(@D)
	$(call quiet,CXX)$(CXX) -std=c++17 $(PEER_FLAGS) $< $(PEER_LIBS_$(*F)) -o $@
.PHONY: bench-peers
bench-peers: $(HILO) $(PEERS) | .setup-test  ## hilo beside other people's servers, in turns (ARGS="--rounds 7 --write")
	@BUILD=$(O) $(PYTHON) bench/peers/run.py $(ARGS)
.PHONY: bench-instructions
bench-instructions: $(HILO) | .setup-bench-peers  ## instructions outside the kernel for one message, by callgrind
	@BUILD=$(O) $(PYTHON) bench/instructions.py $(ARGS)
.PHONY: bench-scale
bench-scale: $(HILO)  ## 150,000 idle connections: time, memory, and an echo beside them (ARGS="--connections 50000")
	@BUILD=$(O) $(PYTHON) bench/scale.py $(ARGS)
BASE ?= HEAD
bench-compare: $(addprefix $(O)/bench/,$(BENCH_PICKED)) | .setup-test  ## this tree against BASE=commit, in turns (B=name)
	@BUILD=$(BUILD) ARGS='$(or $(ARGS),--benchmark_min_time=0.1)' $(PYTHON) tools/check/bench_compare.py $(BASE) $(BENCH_PICKED)

# ---- checks ----------------------------------------------------------------------------------
# The same Makefile in another mode; what has to be installed is there by then.
SELF = $(MAKE) --no-print-directory -f $(firstword $(MAKEFILE_LIST)) BUILD=$(BUILD) SETUP=0

.PHONY: check check-steps check-all test-asan test-tsan
check: check-steps  ## everything a change has to pass; what CI runs
	@cat $(O)/test_summary
check-steps: test lint docs-check hardening test-asan test-tsan fuzz-smoke fuzz-replay-whole
# The release first: its tests wait for much, and so beside the other compilations.
ifneq ($(filter check check-all check-steps,$(MAKECMDGOALS)),)
test-asan test-tsan fuzz-smoke: | test-programs
fuzz-replay-whole: | test-asan
endif
# clang++, which is here for fuzzing, takes two thirds of the time of g++ to build these. Under g++:
# `make MODE=asan test`, which check-all does.
SANITIZER_CXX ?= clang++
test-asan: .setup-test .setup-check  ## the unit tests under AddressSanitizer and UBSan
	+@$(SELF) MODE=asan CXX='$(SANITIZER_CXX)' test
test-tsan: .setup-test .setup-check  ## the tests with threads under ThreadSanitizer
	+@$(SELF) MODE=tsan CXX='$(SANITIZER_CXX)' test
check-all: check noexcept headers cov tidy cppcheck fuzz-replay bench-programs test-subtree reproducible | .setup-cross  ## check, and what takes longer: coverage, analysers, clang, other pollers, machines and standards
	+@$(SELF) BUILD=$(BUILD)/core MODE=asan ASAN_CORE=1 test
	+@$(SELF) BUILD=$(BUILD)/clang CXX=clang++ PRECOMPILED=0 UNITY=0 test
	+@$(if $(wildcard net/poller_poll.cc),$(SELF) BUILD=$(BUILD)/poll POLLER=poll WAKEUP=pipe test,:)
	+@$(SELF) options
	+@$(SELF) embedded
	+@$(SELF) size
	+@$(SELF) MATRIX='g++-c++2b clang++-c++2b' matrix
	+@$(SELF) musl
	+@$(SELF) cross

# Without all that can be left out: the core, the reactor, servers, clients and the ladder still do
# their work, and a program needs no library but libcrypto.
BARE = $(SELF) BUILD=$(BUILD)/bare TLS=0 DEFLATE=0 SOCKETIO=0
BARE_T := core_session_frames core_session_states core_handshake_* net_loop net_stream ws_server ws_hub ws_sender \
  ws_client ws_http ladder_* exercises_*
$(O)/tests/without_options: $(O)/tests/without_options.o $(LIBRARIES) $(O)/link_flags
	$(call link)
.PHONY: options bare-program
bare-program: $(O)/tests/without_options $(O)/tests/readme_1
options: .setup-test  ## tests of what TLS=0 DEFLATE=0 SOCKETIO=0 leaves
	+@$(BARE) bare-program
	@$(BUILD)/bare/release/tests/without_options
	@! $(READELF) -d $(BUILD)/bare/release/tests/readme_1 | grep -E 'NEEDED.*(libssl|libz)' || \
	  { echo 'an echo server without TLS and DEFLATE still wants these'; exit 1; }
	+@$(BARE) TLS_LIBS='-lssl -lcrypto' T='$(BARE_T)' test  # whose peers speak TLS themselves

# Linked with no more than they use.
$(O)/tests/embedded_session: $(O)/tests/embedded_session.o $(CORE_LIB) $(O)/link_flags
	$(call link)
$(O)/tests/embedded_echo: $(O)/tests/embedded_echo.o $(HILO_LIB) $(OS_LIB) $(CORE_LIB) $(O)/link_flags
	$(call link)
$(O)/tests/embedded_server: $(O)/tests/embedded_server.o $(HILO_LIB) $(OS_LIB) $(CORE_LIB) $(O)/link_flags
	$(call link)
# Whoever catches nothing needs no tables of where to.
SMALLEST := -fno-exceptions -fno-rtti -fno-asynchronous-unwind-tables -fno-unwind-tables
.PHONY: size size-programs embedded
size-programs: $(O)/tests/embedded_session $(O)/tests/embedded_server $(O)/tests/readme_1
size: .setup-test .setup-size  ## how large it is, and what its headers cost, against the aims
	+@$(BARE) MODE=small CXXFLAGS='$(CXXFLAGS) $(SMALLEST)' PRECOMPILED=0 size-programs
	@CXX='$(CXX)' $(PYTHON) tools/check/size.py $(BUILD)/bare/small $(ARGS)
# net and ws/core without exceptions and RTTI, linked and run.
embedded: .setup-test  ## programs on net and ws/core with -fno-exceptions -fno-rtti, run
	+@$(SELF) BUILD=$(BUILD)/noexcept CXXFLAGS='$(CXXFLAGS) -fno-exceptions -fno-rtti' PRECOMPILED=0 UNITY=0 embedded-programs
	$(BUILD)/noexcept/release/tests/embedded_session
	$(BUILD)/noexcept/release/tests/embedded_echo
.PHONY: embedded-programs
embedded-programs: $(EMBEDDED_PROGRAMS)

# Other machines, on this one: compilers of Debian's, their libraries unpacked below build/cross, and
# test programs under qemu-user. Everything is compiled for the two Arms; s390x, whose bytes stand the
# other way round, gets the core. For each: how the compiler calls it, the emulator, tests.
# The tests of the core that need nothing else.
CORE_TESTS := $(filter-out base_allocator,$(patsubst tests/test_%.cc,%,$(wildcard tests/test_base_*.cc tests/test_core_*.cc)))
CROSS := arm64 armhf s390x
CROSS_arm64 := aarch64-linux-gnu qemu-aarch64 base_* core_* net_*
CROSS_armhf := arm-linux-gnueabihf qemu-arm base_* core_* net_*
CROSS_s390x := s390x-linux-gnu qemu-s390x $(CORE_TESTS)
CROSS_CPU_arm64 := -cpu cortex-a72  # Newer ones sign return addresses, which qemu needs very long for.
CROSS_FOLDER = $(BUILD)/cross/$*
CROSS_LIBRARIES_s390x = TEST_LIBRARIES=$(CROSS_FOLDER)/release/libhilo-core.a SUPPORT_LIB=
cross_name = $(word 1,$(CROSS_$*))
.PHONY: cross $(addprefix cross-,$(CROSS))
cross: $(addprefix cross-,$(CROSS))  ## tests on emulated arm64, armhf and s390x (big-endian): cross-arm64 is one
$(addprefix cross-,$(CROSS)): cross-%: | .setup-cross
	@sh tools/check/cross_libraries.sh $* $(CROSS_FOLDER)/root
	+@EMULATOR='$(word 2,$(CROSS_$*)) $(CROSS_CPU_$*) -L /usr/$(cross_name)' $(SELF) BUILD=$(CROSS_FOLDER) $(CROSS_LIBRARIES_$*) \
	  MACHINE=$(firstword $(subst -, ,$(cross_name))) CXX=$(cross_name)-g++ AR=$(cross_name)-ar UNITY=0 TEST_LINK= TEST_OPTIMIZED=-O1 \
	  CXXFLAGS='-Wno-psabi -isystem $(CROSS_FOLDER)/root/usr/include/$(cross_name)' \
	  LDFLAGS=-L$(CROSS_FOLDER)/root/usr/lib/$(cross_name) \
	  T='$(or $(T),$(wordlist 3,99,$(CROSS_$*)))' test

# The core on musl and LLVM's library for C++, linked statically. What asks OpenSSL and zlib, which are
# not there for musl, is compiled and not run.
MUSL := $(BUILD)/musl
MUSL_ASKS := core_accept_key core_deflate core_deflate_negotiation core_handshake_client core_handshake_server core_session_deflate
MUSL_TESTS := $(filter-out $(MUSL_ASKS),$(CORE_TESTS))
musl: .setup-test  ## the tests of the core on musl and libc++
	$(call setup,musl)
	@PYTHON=$(PYTHON) sh tools/check/musl.sh $(MUSL)/root
	+@$(SELF) BUILD=$(MUSL) CXX='$(abspath $(MUSL))/root/zig/ziglang/zig c++ -target $(MACHINE)-linux-musl' \
	  AR='$(abspath $(MUSL))/root/zig/ziglang/zig ar' DEFLATE=0 HARDENING= TLS_LIBS= TEST_LINK= \
	  TEST_LIBRARIES=$(MUSL)/release/libhilo-core.a SUPPORT_LIB= UNITY=0 PRECOMPILED=0 \
	  CXXFLAGS='-isystem $(abspath $(MUSL))/root/include -fno-sanitize=undefined' T='$(or $(T),$(MUSL_TESTS))' test

# All libraries by each compiler and standard, without precompiled headers.
MATRIX := g++-c++20 g++-c++2b clang++-c++20 clang++-c++2b
.PHONY: matrix $(addprefix matrix-,$(MATRIX))
matrix: $(addprefix matrix-,$(MATRIX))  ## the libraries by g++ and clang++, as C++20 and C++23, warnings are errors
$(addprefix matrix-,$(MATRIX)): matrix-%: | .setup-check
	+@$(SELF) MODE=debug WERROR=1 BUILD=$(BUILD)/matrix/$* CXX=$(firstword $(subst -, ,$*)) \
	  CXXFLAGS=-std=$(lastword $(subst -, ,$*)) libraries

.PHONY: lint format-check style layers mutants-check headers purity noexcept
lint: format-check style layers purity mutants-check $(O)/kqueue_compiles.ok $(O)/net/poller_poll.o $(O)/net/wakeup_pipe.o  ## the style, as a test

# What this system does not take is compiled, so that it stays whole: the kqueue backend against a
# header of our own.
$(O)/kqueue_compiles.ok: net/poller_kqueue.cc $(O)/flags | .setup-build
	$(call quiet,CXX,$<)$(CXX) $(ALL_FLAGS) -isystem tests/support/kqueue_header -MMD -MP \
	  -MF $(@:.ok=.d) -MT $@ -fsyntax-only $< && touch $@

FORMATTED := $(filter-out tests/vectors/%,$(ALL_CODE))
format-check: .setup-check
	@$(CLANG_FORMAT) --version | grep -q 'version 14\.' || { echo 'clang-format 14 is wanted: other versions format differently'; exit 1; }
	@printf '%s\n' $(FORMATTED) | xargs -n 8 -P $(JOBS) $(CLANG_FORMAT) --dry-run -Werror
style: .setup-check
	@$(PYTHON) tools/check/check_style.py $(ALL_CODE)
layers: .setup-check
	@$(PYTHON) tools/check/check_layers.py tools/check/layers.txt
mutants-check: .setup-check
	@$(PYTHON) tests/mutants/run.py --check
purity: $(PURE_OBJECTS)
	@NM=$(NM) READELF=$(READELF) sh tools/check/check_purity.sh $^

# What the compiler and the linker were asked for, as it can be seen in what they made.
.PHONY: hardening reproducible
ifeq ($(SYSTEM)$(MODE),Linuxrelease)
hardening: $(HILO) $(LIBRARIES)
	@READELF=$(READELF) sh tools/check/hardening.sh $^
else
hardening:
endif
TWICE := $(BUILD)/twice
reproducible: .setup-build  ## builds libraries and tool twice, in two folders, and compares the bytes
	@rm -rf $(TWICE) && mkdir -p $(TWICE)/one $(TWICE)/another_place
	@for place in one another_place; do \
	  tar cf - --exclude=node_modules Makefile LICENSE README.md net ws tests tools | tar xf - -C $(TWICE)/$$place; done
	+@for place in one another_place; do $(MAKE) -C $(TWICE)/$$place --no-print-directory SETUP=0 BUILD=build UNITY=1 all || exit 1; done
	@for file in hilo $(notdir $(LIBRARIES)); do \
	  cmp $(TWICE)/one/build/release/$$file $(TWICE)/another_place/build/release/$$file || exit 1; done
	@rm -rf $(TWICE) && echo 'twice the same bytes: hilo $(notdir $(LIBRARIES))'

# Each header compiles alone, and twice in a row: shown here for those without a source of their own,
# which would include it first of all.
HEADER_STAMPS := $(patsubst %.h,$(O)/headers/%.ok,$(filter-out $(patsubst %.cc,%.h,$(filter %.cc,$(ALL_CODE))),$(HEADERS)))
headers: $(HEADER_STAMPS)
$(O)/headers/%.ok: %.h $(O)/flags | .setup-build
	@mkdir -p $(@D)
	$(call quiet,ALONE,$<)printf '#include "$<"\n#include "$<"\n' | \
	  $(CXX) $(ALL_FLAGS) -MMD -MP -MF $(@:.ok=.d) -MT $@ -fsyntax-only -x c++ - && touch $@

# net and ws/core promise to build without exceptions and RTTI.
NOEXCEPT_STAMPS := $(patsubst %.cc,$(O)/noexcept/%.ok,$(sort $(filter net/%,$(HILO_SOURCES)) $(CORE_SOURCES) $(OS_SOURCES)))
noexcept: $(NOEXCEPT_STAMPS)  ## net and ws/core with -fno-exceptions -fno-rtti
$(O)/noexcept/%.ok: %.cc $(O)/flags | .setup-build
	@mkdir -p $(@D)
	$(call quiet,CXX,$<)$(CXX) $(ALL_FLAGS) -fno-exceptions -fno-rtti \
	  $(if $(findstring kqueue,$<),$(KQUEUE_CFLAGS)) -MMD -MP -MF $(@:.ok=.d) -MT $@ -fsyntax-only $< && touch $@

.PHONY: cov tidy cppcheck format
# callback.h is left out: gcovr 5 stops at its lambdas, which have one name and several lines.
# (Pointers to blocks are copied as bytes, so that their size is meant.)
TIDY_CHECKS ?= -*,bugprone-*,performance-*,clang-analyzer-*,-bugprone-easily-swappable-parameters,-bugprone-sizeof-expression
cov: .setup-check  ## line and branch coverage per file, against tools/check/coverage_gate.txt
	@find $(BUILD)/cov -name '*.gcda' -delete 2>/dev/null || true
	+@$(SELF) MODE=cov test
	@gcovr --root . --object-directory $(BUILD)/cov $(BUILD)/cov/net $(BUILD)/cov/ws $(if $(filter 1,$(UNITY)),$(BUILD)/cov/unity) \
	  --filter 'net/' --filter 'ws/' --exclude net/base/callback.h --exclude-throw-branches --exclude-unreachable-branches --json-summary $(BUILD)/cov/coverage.json
	@$(PYTHON) tools/check/check_coverage.py tools/check/coverage_gate.txt $(BUILD)/cov/coverage.json
tidy: .setup-tidy  ## clang-tidy over the libraries
	@printf '%s\n' $(CORE_SOURCES) $(HILO_SOURCES) $(OS_SOURCES) $(SOCKETIO_SOURCES) | \
	  xargs -I{} -P $(JOBS) $(CLANG_TIDY) --quiet --warnings-as-errors='*' --checks='$(TIDY_CHECKS)' {} -- -std=c++20 -I.
# One configuration, that of this machine: all combinations of macros take hours and are none that exist.
CPPCHECKED := $(CORE_SOURCES) $(HILO_SOURCES) $(OS_SOURCES) $(SOCKETIO_SOURCES) $(TRACE_SOURCES) $(TOOLBOX_SOURCES) $(TOOL_SOURCES)
cppcheck: .setup-tidy  ## cppcheck over libraries and tool; tools/check/cppcheck.txt has what it says wrongly
	@mkdir -p $(O)/cppcheck
	@cppcheck --std=c++20 --language=c++ --enable=warning,portability,information \
	  --suppressions-list=tools/check/cppcheck.txt --error-exitcode=1 --quiet -j $(JOBS) \
	  --cppcheck-build-dir=$(O)/cppcheck --max-configs=1 -D__linux__=1 -D__x86_64__=1 -D__GNUC__=12 -I. \
	  --template='{file}:{line}: {severity} {id}: {message}' $(CPPCHECKED)
format: .setup-check  ## clang-format -i over everything
	@$(CLANG_FORMAT) -i $(FORMATTED)

# ---- the rest --------------------------------------------------------------------------------
SETUP ?= 1
.PHONY: .setup-build .setup-test .setup-peers .setup-check .setup-bench .setup-bench-peers .setup-tidy .setup-cross .setup-faults .setup-size
setup = @$(if $(filter 0,$(SETUP)),:,CXX='$(CXX)' DEFLATE=$(DEFLATE) SOCKETIO=$(SOCKETIO) sh tools/check/setup.sh $(1))
.setup-build:
	$(call setup,build)
.setup-test: .setup-build
	$(call setup,test)
.setup-peers: .setup-build
	$(call setup,peers)
.setup-check: .setup-test
	$(call setup,check)
.setup-bench: .setup-build
	$(call setup,bench)
.setup-bench-peers: .setup-build
	$(call setup,bench-peers)
.setup-tidy: .setup-build
	$(call setup,tidy)
.setup-cross: .setup-test
	$(call setup,cross)
.setup-faults: .setup-build
	$(call setup,faults)
.setup-size: .setup-build
	$(call setup,size)

# ---- installation ----------------------------------------------------------------------------
# Three levels, each an archive and a shared library; a program names the highest that it uses
# (tools/install/README.md). What is installed is public, and what is public is exported.
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
# Version scripts are ELF's, and only these modes make code that may lie anywhere.
SHARED ?= $(if $(filter Darwin,$(SYSTEM)),0,$(if $(filter release debug asan tsan,$(MODE)),1,0))
NUMBERS := $(subst ., ,$(VERSION))
# Before 1.0 each minor version may break what was compiled against the one before.
SOVERSION := $(word 1,$(NUMBERS))$(if $(filter 0,$(word 1,$(NUMBERS))),.$(word 2,$(NUMBERS)))
PRIVATE_HEADERS := $(shell sed 's/\#.*//' tools/install/private_headers.txt)
PUBLIC_HEADERS := $(filter-out $(PRIVATE_HEADERS),$(HEADERS))
I := $(O)/install
ARCHIVES := $(CORE_LIB) $(I)/libhilo.a $(SOCKETIO_LIB)
SHARED_LIBS := $(if $(filter-out 0,$(SHARED)),$(patsubst %.a,$(I)/%.so.$(VERSION),$(notdir $(ARCHIVES))))

# The seams are part of the archive that programs name. A simulator still replaces them: what it
# defines itself is not looked for there.
LEVEL_OBJECTS := $(call objects,$(sort $(HILO_SOURCES) $(OS_SOURCES)))
$(I)/libhilo.a: $(LEVEL_OBJECTS) $(O)/hilo_sources $(O)/os_sources
	$(call archive)
SOURCE_LISTS := $(addprefix $(O)/,core_sources hilo_sources os_sources socketio_sources)
define shared_library  # level, its objects, the levels below
$(I)/$(1).map: $(2) $(PUBLIC_HEADERS) tools/install/exports.sh tools/install/private_headers.txt $(SOURCE_LISTS)
	@mkdir -p $$(@D)
	@NM=$(NM) sh tools/install/exports.sh $(PUBLIC_HEADERS) -- $(2) > $$@
$(I)/$(1).so.$(VERSION): $(I)/$(1).map $(2) $(3:%=$(I)/%.so.$(VERSION)) $(O)/link_flags
	$$(call quiet,LINK)$$(CXX) $$(ALL_FLAGS) -shared $(2) $(3:%=$(I)/%.so.$(VERSION)) $$(filter-out -pie,$$(LINK_FLAGS)) \
	  -Wl,-soname,$(1).so.$(SOVERSION) -Wl,--version-script=$$< -Wl,-Bsymbolic-functions -Wl,--as-needed \
	  $(if $(filter asan tsan,$(MODE)),,-Wl$(comma)--no-undefined) $$(LIBS) -o $$@
endef
comma := ,
$(eval $(call shared_library,libhilo-core,$(call objects,$(CORE_SOURCES))))
$(eval $(call shared_library,libhilo,$(LEVEL_OBJECTS),libhilo-core))
$(eval $(call shared_library,libhilo-socketio,$(call objects,$(SOCKETIO_SOURCES)),libhilo libhilo-core))

INSTALLATION = DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' LIBDIR='$(LIBDIR)' VERSION=$(VERSION) SOVERSION=$(SOVERSION) \
  HEADERS='$(PUBLIC_HEADERS)' ARCHIVES='$(ARCHIVES)' SHARED='$(SHARED_LIBS)' TOOL='$(HILO)' TLS_LIBS='$(TLS_LIBS)' \
  DEFLATE_LIBS='$(DEFLATE_LIBS)' MORE_LIBS='$(filter-out $(TLS_LIBS) $(DEFLATE_LIBS),$(LIBS))' sh tools/install/install.sh
.PHONY: install uninstall
install: $(ARCHIVES) $(SHARED_LIBS) $(HILO)  ## three link levels, headers, .pc and CMake files, the tool: DESTDIR, PREFIX, LIBDIR, SHARED=0
	@$(INSTALLATION) install
uninstall:  ## removes what install put there
	@$(INSTALLATION) uninstall
ifneq ($(filter %/install.py,$(INTEROP_PICKED)),)
test-programs: $(ARCHIVES) $(SHARED_LIBS)
endif
.PHONY: test-subtree
test-subtree: .setup-test  ## all of hilo as a part of a CMake tree (tests/install), and its programs run
	cmake -S tests/install -B $(O)/subtree -DCMAKE_CXX_COMPILER=$(firstword $(CXX)) -DCMAKE_CXX_FLAGS=-O0 \
	  -DHILO_POLLER=$(POLLER) -DHILO_WAKEUP=$(WAKEUP) > $(O)/subtree.log
	+cmake --build $(O)/subtree >> $(O)/subtree.log || { cat $(O)/subtree.log; exit 1; }
	cd $(O)/subtree && ctest --output-on-failure

.PHONY: compile_commands.json clean
ALL_SOURCES := $(filter %.cc,$(ALL_CODE))
compile_commands.json:  ## for editors and clang tools
	@for file in $(ALL_SOURCES); do printf '%s{"directory": "%s", "file": "%s", "command": "%s -c %s"}' "$$separator" \
	  '$(CURDIR)' "$$file" '$(CXX) $(ALL_FLAGS)' "$$file"; separator=',\n'; done | sed 's/\\n/\n/g; 1s/^/[/; $$s/$$/]/' > $@
clean:  ## removes the build folder
	rm -rf $(BUILD)
help:  ## this list
	@sed -n 's/^\([a-z][a-z_.-]*\):[^#]*## */\1|/p' $(firstword $(MAKEFILE_LIST)) | \
	  sort | awk -F '|' '{ printf "  make %-22s %s\n", $$1, $$2 }'
print-%:  # the value of a variable of this file
	@printf '%s\n' '$($*)'

-include $(shell find $(O) -name '*.d' 2>/dev/null)
