# `make run` shows real jobs measured; `make test` proves everything. Both set up what they need.
#
#   make run                          an embedded Redis, real jobs, the exporter, the dashboard; until Ctrl-C
#   make run FOR=60                   the same for a minute, then a summary
#   make run REDIS=redis://host:6379  exporter and dashboard on your own Redis; nothing is written to it
#   make run LISTEN=127.0.0.1:9000    another address for the page (default 127.0.0.1:10577)
#   make test PYTHON=python3.12       another Python, 3.11 or newer

.SHELLFLAGS := -euc
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# An environment is made again when pyproject.toml changes; a checkout that only touches the file changes nothing.
HASH := $(shell cksum < pyproject.toml | tr ' ' '-')
DEMO := $(VENV)/.demo-$(HASH)
DEV := $(VENV)/.dev-$(HASH)
WHICH := import sys; print(sys.base_prefix, sys.version)
# The environment of another Python is cleared: two in one folder break each other.
define ENVIRONMENT
@$(PYTHON) tests/check_python.py
@test "$$($(BIN)/python -c '$(WHICH)' 2>&1)" = "$$($(PYTHON) -c '$(WHICH)')" || { set -x; $(PYTHON) -m venv --clear $(VENV); }
endef

# Tests that hold times against real jobs want the machine to themselves. Those that wait for real servers most of the
# time run two at a time, and so do the others, which keep two processors busy.
TIMED := tests/exporter/truth
UNTIMED := $(patsubst %,tests/exporter/test_%.py,acl ages deploy doctor families labels pools_and_caches record sample \
  sample_watch server settings stopping) $(patsubst %,tests/exporter/bad_days/test_%.py,never_writes rights serving state_file \
  strange_data ways_in)
WAITING := tests/exporter $(UNTIMED:%=--ignore=%) --ignore=$(TIMED) tests/planner/test_bull_rules_live.py
BUSY := tests/planner tests/alerts tests/dashboard $(wildcard tests/test_*.py) $(UNTIMED) \
  --ignore=tests/planner/test_bull_rules_live.py
PYTEST := $(BIN)/python -m pytest -m "not slow" --durations=10

.PHONY: help run test bench soak fmt lint docs clean

help: ## show this list
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

run: $(DEMO) ## real jobs measured: FOR=60 to stop by itself, REDIS=redis://… for your own
	@exec $(BIN)/python -m exporter demo --listen "$${LISTEN:-127.0.0.1:10577}" \
	  $${FOR:+--for "$$FOR"} $${REDIS:+--redis "$$REDIS"}

test: $(DEV) ## everything that CI runs; on Debian as root it installs the servers it needs
	tests/setup.sh
	$(MAKE) --no-print-directory lint
	$(PYTEST) -n auto --dist loadfile $(BUSY)
	$(PYTEST) -n 2 --dist loadfile $(WAITING)
	$(PYTEST) $(TIMED)
	tests/check_wheel.sh $(BIN)/python

bench: $(DEV) ## speed, as ratios measured in one run; says which limit is missed
	tests/setup.sh
	@missed=; for file in $$(ls tests/bench/*_*.py | grep -E '/(exporter|planner|alerts|dashboard)_'); do \
	  name=$${file##*/}; echo "== $${name%.py}"; \
	  $(BIN)/python -m "tests.bench.$${name%.py}" || missed="$$missed $${name%.py}"; \
	done; test -z "$$missed" || { echo "bench: missed:$$missed" >&2; exit 1; }

soak: $(DEV) ## the proofs that take longer than a minute
	tests/setup.sh
	$(BIN)/python -m pytest -m slow --durations=15

fmt: $(DEV) ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lint: $(DEV) ## style and types, changing nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(DEV) ## write docs/metrics.md anew from the catalogue
	$(BIN)/python -m exporter metrics > docs/metrics.md.new
	mv docs/metrics.md.new docs/metrics.md

clean: ## remove everything that was made here, the environment included
	rm -rf $(VENV) build dist out .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis tests/node/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# dev holds demo; the stamp of the other hash goes, so that only the newest pyproject.toml counts.
$(DEV):
	$(ENVIRONMENT)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@rm -f $(VENV)/.dev-* $(VENV)/.demo-* && touch $(DEV) $(DEMO)

$(DEMO):
	$(ENVIRONMENT)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dashboard,demo]'
	@rm -f $(VENV)/.dev-* $(VENV)/.demo-* && touch $(DEMO)
