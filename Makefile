# `make` alone lists what there is.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
CORPORA := $(wildcard ../shared/corpora)
export CURRICLE_TEST_CORPORA ?= $(CORPORA)
# Tests run on every core; one thread each keeps them out of each other's way.
TEST_ENV := OMP_NUM_THREADS=1

.PHONY: help setup demo test test-all check format bench docs site clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(READY) ## make .venv with the pinned packages

$(READY): requirements.lock pyproject.toml
	@started=$$SECONDS; \
	$(PYTHON) -m venv .venv && \
	$(BIN)/python -m pip install -q --disable-pip-version-check uv && \
	$(BIN)/uv pip install -q --python $(BIN)/python -r requirements.lock && \
	$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --editable . && \
	touch $@ && echo "set-up took $$((SECONDS - started)) s"

demo: setup ## the whole job on data made on the spot: corpora in, a better policy out
	@$(BIN)/curricle demo

test: setup ## the tests, under ten minutes
	@$(TEST_ENV) $(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow" $(ARGS)

test-all: setup ## the tests, and those that take long
	@$(TEST_ENV) $(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

check: setup ## style, types and layers
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

format: setup ## lay the code out
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

bench: setup ## every benchmark, and docs/benchmarks.md from them
	@$(BIN)/python benchmarks/run_all.py $(ARGS)

docs: setup ## the reference pages from the code
	@$(BIN)/python docs/reference.py

site: docs ## the docs site, into build/site; a broken link fails
	@PYTHONPATH=docs $(BIN)/zensical build --clean --strict && \
	echo "build/site/index.html; to search in it: python -m http.server -d build/site"

clean: ## remove what make made, workspaces excepted
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
