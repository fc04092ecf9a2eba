# The whole menu. Every target installs what it needs into .venv first.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: demo test test-unit lint bench clean

$(VENV)/.installed: pyproject.toml scripts/bootstrap
	scripts/bootstrap $(PYTHON) $(VENV)

demo: $(VENV)/.installed          ## analyze, create and run a real script, end to end
	scripts/demo

test: lint test-unit              ## everything CI runs

test-unit: $(VENV)/.installed
	$(BIN)/python -m pytest

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/shellcheck python_package/python_package_run scripts/bootstrap scripts/demo .ci/run

bench: $(VENV)/.installed         ## ratios against peers, measured in one run
	scripts/bench

clean:
	rm -rf $(VENV) .demo dist
