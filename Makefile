# SPDX-License-Identifier: GPL-2.0-or-later
# Short names for what meson and the scripts in tools/ do.
PREFIX ?= /usr/local
SECONDS ?= 60
MPNC = $(CURDIR)/build/mpnc

.PHONY: all build deps check attack demo bench fuzz soak networks clients coverage metrics lab lab-bench install clean

all:
	@tools/deps.sh build
	@$(MAKE) --no-print-directory build

build:
	@test -f build/build.ninja || meson setup build >build.log 2>&1 || { cat build.log; exit 1; }
	@ninja --quiet -C build mpnc

deps:
	@tools/deps.sh all

check: deps
	@tools/check.sh

attack: deps
	@tools/attack.sh

# Where no machine can be booted, namespaces without a bond have to do.
demo:
	@tools/deps.sh lab || tools/deps.sh build
	@$(MAKE) --no-print-directory build
	@MPNC='$(MPNC)' test/lab/run demo || { [ $$? = 77 ] && MPNC='$(MPNC)' test/demo.sh; }

bench: deps
	@$(MAKE) --no-print-directory build
	@MPNC='$(MPNC)' test/bench.sh
	@MPNC='$(MPNC)' test/bench-relay.sh

lab lab-bench:
	@tools/deps.sh lab
	@$(MAKE) --no-print-directory build
	@MPNC='$(MPNC)' LAB_TIMEOUT=1200 test/lab/run -f test/lab/$(if $(filter lab-bench,$@),bench,all).list

fuzz: deps
	@tools/fuzz.sh '$(SECONDS)'

# Half of the time each in namespaces, where connections and programs are hit, and in the lab, where links are.
soak: deps
	@$(MAKE) --no-print-directory build
	@MPNC='$(MPNC)' test/soak.sh $$(($(SECONDS) / 2))
	@MPNC='$(MPNC)' LAB_TIMEOUT=$$(($(SECONDS) / 2 + 600)) test/lab/run soak FOR=$$(($(SECONDS) / 2))

# As long as an hour: each network with three seeds.
networks: deps
	@$(MAKE) --no-print-directory build
	@ninja --quiet -C build test/sim/networks
	@build/test/sim/networks --seeds 3 --jobs "$$(nproc)"

# Two minutes: the real client and listener while connections fail. SEEDS=10000
clients: deps
	@$(MAKE) --no-print-directory build
	@ninja --quiet -C build test/sim/clients
	@build/test/sim/clients --seeds '$(or $(SEEDS),10000)' --jobs "$$(nproc)"

coverage: deps
	@tools/coverage.sh

metrics: deps
	@tools/metrics.py $(if $(COMMITS),--commits '$(COMMITS)')

install: all
	install -D -m 755 build/mpnc '$(DESTDIR)$(PREFIX)/bin/mpnc'
	install -D -m 644 doc/mpnc.1 '$(DESTDIR)$(PREFIX)/share/man/man1/mpnc.1'
	install -d '$(DESTDIR)$(PREFIX)/share/bash-completion/completions' \
		'$(DESTDIR)$(PREFIX)/share/zsh/site-functions'
	build/mpnc help completion bash >'$(DESTDIR)$(PREFIX)/share/bash-completion/completions/mpnc.bash'
	build/mpnc help completion zsh >'$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_mpnc'

clean:
	rm -rf build build-*/ build.log
