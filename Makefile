# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The Python to use. If it is not given, the best one of the machine is found: see tools/pythons.py.
PYTHON3 ?=
FIND = "$(or $(PYTHON3),python3)" tools/pythons.py $(if $(PYTHON3),this)
# .venv is made again for another choice.
empty :=
CHOSEN := .venv/python$(subst /,-,$(subst $(empty) $(empty),-,$(PYTHON3)))
PIP := .venv/bin/python -m pip install --quiet --disable-pip-version-check

LONG := crash faults canaries mutation coverage bench live

.PHONY: help demo test matrix docs $(LONG) clean

help:
	@echo "make demo       the main job on stand-in servers"
	@echo "make test       what a change has to pass (half an hour on two cores)"
	@echo "make matrix     all playbooks, unit tests, and sanity on every ansible-core from 2.16, and the site of the documentation"
	@echo "make docs       the site of the documentation, offline once its tools are installed"
	@echo "make crash      kill the role at every point, and run it again (two hours)"
	@echo "make faults     every fault of the servers, and every variant of the API (two hours)"
	@echo "make canaries   look for secrets in all that every path leaves behind"
	@echo "make mutation   break the code in every place, and see whether a test notices"
	@echo "make coverage   what of the code the unit tests reach"
	@echo "make bench      speed and memory, side by side with others (a quarter of an hour)"
	@echo "make live       remove a real connection, which the environment names twice as one that may be deleted (docs: Facts from your tenant)"
	@echo "make clean      remove what the others have made"
	@echo "One test: see CONTRIBUTING.md."

demo: .venv/demo
	@mkdir -p .venv/tree/ansible_collections/community
	@ln -sfn "$(CURDIR)" .venv/tree/ansible_collections/community/immuta
	@ANSIBLE_COLLECTIONS_PATH="$(CURDIR)/.venv/tree" .venv/bin/python tools/demo.py demo

test: .venv/checks
	@.venv/bin/python tools/check.py $(SESSIONS)

matrix: .venv/checks
	@.venv/bin/python -m nox --reuse-venv=yes -t matrix

docs: .venv/checks
	@.venv/bin/python -m nox --reuse-venv=yes -s site

$(LONG): .venv/checks
	@.venv/bin/python -m nox --reuse-venv=yes -s $@ $(if $(ARGS),-- $(ARGS))

$(CHOSEN):
	@$(FIND) > /dev/null
	"$$($(FIND))" -m venv --clear .venv
	@touch "$@"

.venv/checks: $(CHOSEN)
	$(PIP) nox uv
	@touch $@

# pip chooses the newest ansible-core that runs on this Python.
.venv/demo: $(CHOSEN)
	@echo "Installing ansible-core and the vendors' clients into .venv: 300 MB, about a minute, the first time only."
	$(PIP) ansible-core requests snowflake-connector-python databricks-sql-connector openapi-core pyyaml
	@touch $@

clean:
	rm -rf "$$(readlink -f .nox)" .venv .nox .ansible demo tests/output
