# Each target makes the virtualenv that it needs: nothing to prepare.

PYTHON ?= python3
PIP_INSTALL = python -m pip -qq --disable-pip-version-check install
# pbr takes the version from git; outside of a git clone it must be told.
VERSION_WHEN_NO_GIT = 0.1.0
PBR = $(shell git rev-parse -q --verify HEAD >/dev/null 2>&1 \
	|| echo PBR_VERSION=$(VERSION_WHEN_NO_GIT))

PACKAGING = requirements.txt upper-constraints.txt setup.cfg setup.py \
	pyproject.toml

.PHONY: help
help:
	@echo 'make demo            one host loses power, one hangs, their instances come back'
	@echo '                     (no root, nothing but python3; DEMO_ARGS=--json, --keep)'
	@echo 'make test-quick      the checks and unit tests: no root, three minutes'
	@echo 'make test            every check and every test that needs no cloud'
	@echo 'make demo-openstack  the same on a real OpenStack (Debian 12, root)'
	@echo 'make test-openstack  the faults of a real cloud, asserted (Debian 12, root)'
	@echo 'make bench           seconds, requests and memory, measured (Debian 12, root)'
	@echo 'make soak SET=name   a long campaign (Debian 12, root)'
	@echo 'make venv            the virtualenv of all of these, in .venv'
	@echo 'make pictures        the pictures of the documentation, from a real browser'
	@echo 'make docs            the documentation, in doc/build/html'

.PHONY: venv
venv: .venv/complete

# Two stamps: the demo installs what running needs and no more.
.venv/complete: extras = [mysql,postgresql]
.venv/complete: more = -r test-requirements.txt
.venv/complete: $(PACKAGING) test-requirements.txt
.venv-demo/complete: $(PACKAGING)

.venv/complete .venv-demo/complete:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "HASS needs Python 3.11 or newer: make PYTHON=python3.11 …")'
	@echo 'installing into $(@D) (again only when the requirements change)'
	@test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	@$(PBR) $(@D)/bin/$(PIP_INSTALL) -c upper-constraints.txt \
		-r requirements.txt $(more) -e '.$(extras)'
	@touch $@

# Catalogues and default policy of the dashboard, made of other files.
.PHONY: dashboard-files
dashboard-files: .venv/complete
	@PYTHONPATH=. .venv/bin/python tools/dashboard_files.py

.PHONY: pictures
pictures: .venv/complete
	@HASS_PICTURES=doc/source/user/pictures \
		.venv/bin/python tools/run_tests.py --concurrency 1 dashboard

.PHONY: demo
demo: .venv-demo/complete
	@.venv-demo/bin/hass-demo $(DEMO_ARGS)

.PHONY: test
test: .venv/complete
	@.venv/bin/python tools/run_tests.py --checks unit functional dashboard scenario

.PHONY: test-quick
test-quick: .venv/complete
	@.venv/bin/python tools/run_tests.py --checks unit

.PHONY: demo-openstack
demo-openstack: .venv/complete
	@.venv/bin/python -m tools.demo_openstack $(DEMO_ARGS)

.PHONY: test-openstack
test-openstack: .venv/complete
	@.venv/bin/python -m tools.minicloud up --no-hass --volumes
	@trap '.venv/bin/python -m tools.minicloud down' EXIT; \
		.venv/bin/python tools/run_tests.py --concurrency 1 openstack

.PHONY: bench
bench: .venv/complete
	@.venv/bin/python -m tools.bench $(BENCH_ARGS)

.PHONY: soak
soak: .venv/complete
	@.venv/bin/python -m tools.soak $(SET) $(SOAK_ARGS)

.PHONY: docs
docs: .venv/complete
	@.venv/bin/sphinx-build -W --keep-going -q -b html doc/source doc/build/html

# What pip resolves today, written down as the set to be tested next.
.PHONY: upper-constraints
upper-constraints:
	rm -rf .venv-constraints
	$(PYTHON) -m venv .venv-constraints
	$(PBR) .venv-constraints/bin/$(PIP_INSTALL) -r requirements.txt \
		-r test-requirements.txt -e '.[mysql,postgresql]'
	.venv-constraints/bin/python -m pip freeze --exclude-editable \
		| sed 's/==/===/' >upper-constraints.txt
	rm -rf .venv-constraints
