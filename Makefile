.DEFAULT_GOAL := help
PYTHON ?= python3.11
VENV := .venv
GONGXU := $(VENV)/bin/gongxu
export GONGXU_HOME ?= .gongxu
export OMP_WAIT_POLICY ?= PASSIVE
# What one process has compiled the next need not compile again: there are 600 modules of ours and thousands of others.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo test lint types check client lock packages lowest serve clean

help: ## Show what can be done here
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'
	@echo
	@echo "  Read next: README.md, then the folders in the order of the data:"
	@echo "  data -> knowledge_graph, models -> matcher -> eval -> training; serving. Commands: $(GONGXU) --help"

setup: $(VENV)/.ready ## Make the virtual environment .venv with everything in it

$(VENV)/.ready: pyproject.toml requirements-dev.lock serving/client/pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) not found; install Python 3.11 or say make PYTHON=..."; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python .ci/install --requirement requirements-dev.lock
	$(VENV)/bin/python .ci/install --no-deps --editable . --editable serving/client
	@touch $@

demo: setup ## Simulate a small platform, build, train, evaluate and recommend (some ten minutes)
	$(GONGXU) demo

# Two workers, each with whole files; those with slow tests come first, so that both end at about the same time.
WORKERS := -n 2 --dist loadfile --no-loadscope-reorder

check: setup lint ## Lint, check types and run the fast tests: under two minutes on a warm machine
	$(VENV)/bin/mypy >.mypy.log & checked=$$!; \
	$(VENV)/bin/pytest $(WORKERS) -m "not slow" -q; tested=$$?; \
	wait $$checked; typed=$$?; cat .mypy.log; [ $$tested = 0 ] && [ $$typed = 0 ]

# These run alone first, beside mypy: they compile every loop and make the platform once, which two workers would each do.
FIRST := tests/training/test_pipeline.py tests/serving/api/test_recommendations.py

test: export TEST_FOLDER := $(CURDIR)/build/tests
test: setup lint ## Lint, check types and run all tests, slow ones too
	rm -rf $(TEST_FOLDER)
	$(VENV)/bin/python .ci/lock check
	$(VENV)/bin/mypy >.mypy.log & checked=$$!; \
	$(VENV)/bin/pytest $(FIRST); tested=$$?; \
	wait $$checked; typed=$$?; cat .mypy.log; [ $$tested = 0 ] && [ $$typed = 0 ]
	$(VENV)/bin/pytest $(WORKERS) $(FIRST:%=--ignore=%)

packages: setup ## Build the wheels, install each alone, have the server answer the client
	.ci/packages

lowest: ## Install and import a server with the lowest versions that pyproject.toml allows
	.ci/lowest

lint: setup ## Check style, format and the directions of imports
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports --no-cache

client: setup ## Write models and methods of serving/client from the OpenAPI document
	$(VENV)/bin/python serving/client/generate.py

lock: ## Write the lock files: the newest versions that pyproject.toml allows, in a new environment
	$(PYTHON) -m venv --clear build/lock
	build/lock/bin/pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	build/lock/bin/pip install --quiet --disable-pip-version-check '.[all]' --group dev
	build/lock/bin/python .ci/lock write

types: setup ## Check types (mypy, strict)
	$(VENV)/bin/mypy

serve: setup ## Serve the API on http://127.0.0.1:8000
	$(GONGXU) serve

clean: ## Remove the environment and all caches, not the data in GONGXU_HOME
	rm -rf $(VENV) build dist *.egg-info .mypy.log .mypy_cache .pytest_cache .ruff_cache .hypothesis
