# The whole menu. Every target installs what it needs into .venv first.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: demo test test-unit test-integration test-pythons simulate lint bench compare faults clean

$(VENV)/.installed: pyproject.toml scripts/bootstrap
	scripts/bootstrap $(PYTHON) $(VENV)

demo: $(VENV)/.installed          ## analyze, create and run a real script, end to end
	scripts/demo

test: lint test-unit              ## everything CI runs
	scripts/test-integration --if-possible

test-unit: $(VENV)/.installed
	$(BIN)/python -m pytest

test-integration: $(VENV)/.installed  ## remote workers and a cluster, in containers
	scripts/test-integration

test-pythons: $(VENV)/.installed  ## create and run with every interpreter that this machine has
	PYTHON_PACKAGE_TEST_PYTHONS=all $(BIN)/python -m pytest tests/test_pythons.py

simulate: $(VENV)/.installed      ## SCRIPT=path [ARGS="..."]: would it run on a worker?
	scripts/simulate "$(SCRIPT)" $(ARGS)

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/shellcheck python_package/python_package_run scripts/bootstrap scripts/demo scripts/engine scripts/base-image \
		scripts/test-integration scripts/simulate scripts/bench scripts/command \
		python_package/tarball/run_in_env python_package/activate.sh integration/shims/tar .ci/run

bench: $(VENV)/.installed         ## ratios against peers, measured in one run
	scripts/bench

compare: $(VENV)/.installed       ## others' tools on the same hard cases: docs/comparison.md
	$(BIN)/python scripts/compare.py

faults: $(VENV)/.installed        ## [ONLY="23 worker"]: faults injected into the commands: docs/reliability.md
	$(BIN)/python -m scripts.faults $(if $(ONLY),--only $(ONLY))

clean:
	rm -rf $(VENV) .demo .bench dist
