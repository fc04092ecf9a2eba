# Every target installs what it needs into .venv first; `make` alone lists them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# As many tests at once as there are processors; those of one file share what they make.
PYTEST := pytest -n auto --dist loadfile

# Every file that a POSIX shell reads.
SHELL_SCRIPTS := $(shell grep -rlIE --exclude='*.in' '^\#!/bin/sh$$|^\# shellcheck shell=sh$$' .ci integration python_package scripts)

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast test-unit test-integration test-engines test-targets test-pythons coverage lint constraints simulate bench compare \
	growth docs faults clean

help:                             ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS='	' read -r target does; do \
		printf '%-18s%s\n' "$$target" "$$does"; done

$(VENV)/.installed: pyproject.toml constraints.txt scripts/bootstrap
	scripts/bootstrap $(PYTHON) $(VENV)

demo: $(VENV)/.installed          ## analyze, create and run a real script, end to end
	scripts/demo

test: lint test-unit              ## everything that CI runs: lint, the tests, and the integration tests if there is Docker
	scripts/test-integration --if-possible

test-unit: $(VENV)/.installed     ## all tests that need no container
	$(BIN)/python -m $(PYTEST)

test-fast: $(VENV)/.installed     ## in under a minute: the tests that need no network and make no environment
	$(BIN)/python -m $(PYTEST) -m "not slow and not network" tests/unit

coverage: $(VENV)/.installed      ## the same tests, and how much of the package they run; fails below the floor
	$(BIN)/coverage erase
	$(BIN)/coverage run -m $(PYTEST)
	$(BIN)/coverage combine -q
	$(BIN)/coverage report

test-integration: $(VENV)/.installed  ## remote workers and a cluster, in containers
	scripts/test-integration

test-engines: $(VENV)/.installed  ## [ARGS="-k spark"]: every engine for real, in containers: the table of docs/engines.md
	scripts/test-engines $(ARGS)

test-targets: $(VENV)/.installed  ## [ARGS="-k arm64"]: environments for other machines, in containers: aarch64 under qemu, an old glibc, CUDA
	scripts/test-targets $(ARGS)

test-pythons: $(VENV)/.installed  ## create and run with every interpreter that this machine has
	PYTHON_PACKAGE_TEST_PYTHONS=all $(BIN)/python -m pytest tests/end_to_end/test_pythons.py

lint: $(VENV)/.installed          ## ruff, mypy --strict, the layers, shellcheck, the workflow's schema
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/shellcheck $(SHELL_SCRIPTS)
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml

constraints: $(VENV)/.installed   ## write the versions of today that developers install: constraints.txt
	$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.10 --group dev --group docs --no-annotate \
		--custom-compile-command "make constraints" --output-file constraints.txt pyproject.toml

simulate: $(VENV)/.installed      ## SCRIPT=path [ARGS="..."]: would it run on a worker?
	scripts/simulate "$(SCRIPT)" $(ARGS)

bench: $(VENV)/.installed         ## [SHORT=1]: ratios against peers, measured in one run; their plots in docs/images
	$(if $(SHORT),BENCH_SHORT=1) scripts/bench

compare: $(VENV)/.installed       ## [ONLY="CASE ..."] [SHORT=1]: others' tools on the same hard cases: docs/comparison.md
	$(BIN)/python -m scripts.compare $(if $(ONLY),--only $(ONLY)) $(if $(SHORT),--short)

growth: $(VENV)/.installed        ## TARBALL=path [DIFFERENCE=path] [N="1 2"] [BANDWIDTH=bytes]: to so many workers of a Work Queue cluster
	scripts/engine run $(BIN)/python -m integration.growth "$(TARBALL)" $(N)

faults: $(VENV)/.installed        ## [ONLY="23 worker"]: faults injected into the commands: docs/reliability.md
	$(BIN)/python -m scripts.faults $(if $(ONLY),--only $(ONLY))

docs: $(VENV)/.docs               ## the documentation, into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

$(VENV)/.docs: $(VENV)/.installed
	$(BIN)/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt --group docs
	touch $@

clean:                            ## remove all that the targets made here
	rm -rf $(VENV) .demo .bench .*_cache dist site
