# Each target makes the environment that it needs.

PYTHON ?= python3
VENV := .venv
INSTALLED := $(VENV)/.installed
SOURCES := core tui tests
BENCH := tests:tests/benchmarks
# pulp-container wants other versions of much that is in the environment, so it has its own.
PULP := .venv-pulp
PULP_INSTALLED := $(PULP)/.installed
PULP_NEEDS := tests/servers/pulp.txt

.PHONY: help demo test test-long test-pulp bench bench-quick bench-scale check mutants screenshots keys servers clean

help:
	@echo "make demo         the app in a world of its own: two registries, and a domain"
	@echo "make test         bring the servers that the tests need, and run the tests"
	@echo "make test-long    the tests that take minutes each"
	@echo "make test-pulp    bring a whole pulp-container with PostgreSQL, and run the tests of it"
	@echo "make bench        Transship and its peers on PATH, side by side (an hour; see docs/benchmarks.md)"
	@echo "make bench-quick  the same with little data: that it works, not how fast"
	@echo "make bench-scale  what a million tags and 100,000 copies cost, and the app's start (15 minutes)"
	@echo "make check        format, lint, types and import contracts"
	@echo "make mutants      break the core in 200 places, and see what the tests catch (some hours)"
	@echo "make screenshots  make the pictures of the README anew"
	@echo "make keys         make KEYS.md anew"
	@echo "make clean        remove the environments"

demo: $(INSTALLED)
	@$(VENV)/bin/transship demo

# Every worker, and each of a thousand processes, would compile all of it again.
test test-long test-pulp: export PYTHONDONTWRITEBYTECODE =

test: $(INSTALLED) servers
	@$(VENV)/bin/pytest -n 4 --dist loadfile

test-long: $(INSTALLED) servers
	@$(VENV)/bin/pytest -m long

test-pulp: $(INSTALLED) $(PULP_INSTALLED)
	@.ci/servers pulp
	@$(VENV)/bin/pytest -m pulp

bench: $(INSTALLED) servers
	@PYTHONPATH=$(BENCH) $(VENV)/bin/python -m sidebyside $(OPTIONS)

bench-quick: $(INSTALLED) servers
	@PYTHONPATH=$(BENCH) $(VENV)/bin/python -m sidebyside --quick $(OPTIONS)

bench-scale: $(INSTALLED)
	@$(VENV)/bin/python tests/benchmarks/scale.py $(OPTIONS)

check: $(INSTALLED)
	@$(VENV)/bin/ruff format --check $(SOURCES)
	@$(VENV)/bin/ruff check $(SOURCES)
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports

mutants: $(INSTALLED) servers
	@$(VENV)/bin/python tests/mutants.py map
	@$(VENV)/bin/python tests/mutants.py run $(OPTIONS)

screenshots: $(INSTALLED)
	@$(VENV)/bin/python tests/pictures.py screenshots

keys: $(INSTALLED)
	@$(VENV)/bin/python -m transship_tui.keys > KEYS.md

servers:
	@.ci/servers

clean:
	rm -rf $(VENV) $(PULP)

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1)." >&2; \
	    echo "Name another: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo "$(PYTHON) can't make environments; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo "Making the environment in $(VENV) (a minute, the first time) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

$(PULP_INSTALLED): $(PULP_NEEDS)
	@echo "Making the environment of pulp-container in $(PULP) (200 MB) ..."
	@$(PYTHON) -m venv $(PULP)
	@$(PULP)/bin/pip install -q --disable-pip-version-check -r $(PULP_NEEDS)
	@touch $@
