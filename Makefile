# `make run` starts the service, `make test` checks everything. Each does its own set-up, and a second run does none.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules
.NOTPARALLEL:
# Every program would compile all that it imports, at every start.
unexport PYTHONDONTWRITEBYTECODE

RUN_READY := .venv/ready-to-run
TEST_READY := .venv/ready-to-test
SETUP_INPUTS := pyproject.toml uv.lock scripts/setup
PYTHON := .venv/bin/python
AUTHSVC := .venv/bin/authsvc

# Additional words for the command: `make run ARGS="--port 9000"`, `make test ARGS="-k policy"`.
ARGS ?=

.PHONY: help setup setup-test hooks models run demo lint check test pictures format bench sbom audit release clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(RUN_READY) ## Everything the service needs, into .venv
setup-test: $(TEST_READY) ## The same for the tests: development tools, Redis, PostgreSQL, Chromium

$(RUN_READY): $(SETUP_INPUTS)
	scripts/setup run

$(TEST_READY): $(SETUP_INPUTS)
	scripts/setup test

MODELS_READY := var/models/ready

models: $(MODELS_READY) ## The default models, downloaded and converted once

# The stamp spares a second start the look at every weight; `authsvc models verify` looks.
$(MODELS_READY): $(RUN_READY) $(wildcard models/*.toml)
	@$(AUTHSVC) models prepare
	@touch $@

run: models ## Start the service for development
	@exec $(AUTHSVC) serve --development --shop $(ARGS)

demo: models ## Play one payment from decision to consumed receipt
	@exec $(AUTHSVC) demo $(ARGS)

lint: setup-test ## Style and types
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

format: setup-test ## Let ruff arrange the code
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

# Pieces beside each other, a file in one; then, by themselves, those that measure time. The long ones begin, so that all end
# together. Units compute: as many pieces as cores. Of what servers and browsers take a half is waiting: one piece more.
PIECES := --dist loadfile --no-loadscope-reorder
# Their files, lest ten thousand others are collected for them.
ALONE = $$($(PYTHON) -m tests.support.kinds)

check: lint models ## Style, types and units, without servers, browsers and long measurements: under two minutes
	$(PYTHON) -m pytest -q -n 2 $(PIECES) -m "not alone and not served and not long" $(ARGS)

test: lint models ## Style, types and every test; ends with what was not run, and why
	$(PYTHON) -m pytest -n 3 $(PIECES) -m "not alone" $(ARGS)
	$(PYTHON) -m pytest -m alone $(or $(ARGS),$(ALONE)) || [ $$? -eq 5 ] # 5: ARGS chose none of these.

hooks: setup-test ## Style, types and architecture before every commit
	.venv/bin/pre-commit install

SBOM ?= dist/authsvc.cdx.json

sbom: setup-test ## What we depend on, with licences (CycloneDX), from the lock alone
	$(PYTHON) scripts/dependencies.py sbom $(SBOM)

audit: setup-test ## The lock against advisories on this disk: make audit ADVISORIES=all.zip (OSV's, for PyPI)
	$(PYTHON) scripts/dependencies.py audit $(ADVISORIES)

release: check ## Version, changelog, wheel, SBOM and checksums: make release VERSION=1.2.3
	scripts/release $(VERSION)

PICTURES ?= var/pictures

pictures: setup-test models ## Every page for people, both languages, phone and desktop, light and dark, into var/pictures, and sheets of them
	mkdir -p $(PICTURES)
	SCREENSHOTS=$(PICTURES) $(PYTHON) -m pytest -q -k every tests/browser/test_every_page.py \
		tests/browser/test_every_state.py tests/browser/test_console.py tests/browser/test_policies.py $(ARGS)
	$(PYTHON) scripts/contact_sheets.py $(PICTURES)

bench: setup-test models ## Every measurement, one after the other
	for script in benchmarks/[!_]*.py; do echo "== $$script"; $(PYTHON) "$$script" $(ARGS); done

clean: ## Remove what was built and cached; var/, where the service keeps its data, stays
	rm -rf .venv .uv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
