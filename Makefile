# The developer's handbook in verbs. Needs Python 3.11 or newer and make; everything else is
# installed into .venv, as the lock files say.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check --quiet
SOURCES := publisher feeds subscribers tests tools

RUN := $(BIN)/pytest -n auto --dist worksteal
# What never touches a database is not run on PostgreSQL; of the slow lane, what may race is.
WITHOUT_DATABASE := config gate languages mail rendering screenshots serving testing
ON_POSTGRES := tests/publisher tests/subscribers $(WITHOUT_DATABASE:%=--ignore=tests/publisher/%) \
  $(addprefix tests/slow/publisher/,test_processes.py delivery/crashes delivery/rates \
  database/test_upgrade_from_0040.py turns/test_contract.py \
  delivery/test_invariants.py delivery/test_lease_holder.py delivery/test_plans_on_postgresql.py \
  testing/test_postgres_server.py cli/test_restored.py \
  delivery/transports $(addprefix web/test_,api_permission_matrix.py audit_of_requests.py clicks_at_once.py \
  hostile_articles.py hostile_texts.py::test_what_was_stored_is_text_on_every_page_that_shows_it \
  permission_matrix.py::test_each_form_sent_twice_does_it_once) \
  $(addprefix app/test_,restores.py recovered_stories.py restore_histories.py departures.py dumps.py backup_while_sending.py \
  nightly_backups.py))
# Half of the time these tests wait for the server.
TWICE_THE_CORES = $$($(BIN)/python -c "import os; print(2 * os.cpu_count())")
LARGE := MACHINES_SUBSCRIBERS=20000 MACHINES_KILLS=20 MACHINES_FREEZES=10 MACHINES_CRASHES=5 \
  MACHINES_CUTS=2 MACHINES_CUT_SECONDS=60
LANES := tests/feeds tests/project tests/publisher tests/subscribers tests/slow

.PHONY: demo test test-all torture machines lint types contracts fast slow postgres audit bench format support lock \
  pictures clean help

help:  ## list the verbs
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/:/' | column -t -s:

demo: $(VENV)/runtime  ## publish a week of the demo publication into build/demo
	@$(BIN)/publisher demo build/demo

test: lint types contracts fast  ## checks, and the tests that need neither a process nor a browser

test-all: COVERAGE = 1
test-all: test slow postgres  ## every test and check, with coverage


lint: $(VENV)/dev
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)

types: $(VENV)/dev
	$(BIN)/mypy

contracts: $(VENV)/dev  ## the directions in which imports may run
	$(BIN)/lint-imports

fast: $(VENV)/dev
	$(RUN) $(if $(COVERAGE),--cov --cov-report=term)

slow: $(VENV)/dev  ## processes, browsers, kills, packaging, and each property with all its examples
	$(RUN) -m "slow or hypothesis" --hypothesis-profile=full --durations=15 $(LANES)

postgres: $(VENV)/dev  ## the tests of the database on PostgreSQL; fails if no server is installed
	INVARIANT_EXAMPLES=25 $(RUN) -n $(TWICE_THE_CORES) --database=postgresql $(ON_POSTGRES)

torture: $(VENV)/dev  ## kills of a large issue and thousands of examples: hours
	CRASH_RECIPIENTS=5000 CRASH_KILLS=20 INVARIANT_EXAMPLES=5000 INVARIANT_STEPS=100 $(LARGE) \
	  $(RUN) -m "slow or hypothesis" --hypothesis-profile=torture --timeout=0 $(LANES)

# MACHINES=3 has fewer of them, MACHINES_ENGINE=procrastinate a queue of turns that they share.
machines: $(VENV)/dev  ## four machines that are killed, stopped and cut off while they send 20,000 mails
	$(LARGE) $(BIN)/pytest -rP -m slow --timeout=0 tests/slow/publisher/delivery/test_many_machines.py

audit: $(VENV)/dev  ## look up the locked packages in a database of vulnerabilities
	@$(PYTHON) -m venv $(VENV)/audit && $(VENV)/audit/bin/pip --quiet install pip-audit || true
	$(BIN)/python -m tools.audit $(VENV)/audit/bin/pip-audit

bench: $(VENV)/dev  ## measure what the documentation states about speed; FULL=1 takes a million subscribers
	$(BIN)/python -m tools.bench $(if $(FULL),--full)

format: $(VENV)/dev  ## put the code into its form
	$(BIN)/ruff check --fix-only $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

pictures: $(VENV)/dev  ## make the pictures of the documentation from the real program (needs Chromium)
	$(BIN)/python -m tools.pictures docs/images

support: $(VENV)/runtime  ## renew what is known of mail programs (needs npm)
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	  npm pack --silent --pack-destination "$$folder" caniemail@latest >/dev/null && \
	  $(BIN)/python -m publisher.gate.mail_clients.refresh "$$folder"/caniemail-*.tgz

lock:  ## renew the lock files (needs uv); hashes only, no addresses
	uv pip compile --quiet pyproject.toml --group build --universal --python-version 3.11 --upgrade \
	  --no-strip-extras --generate-hashes --no-header --no-annotate --no-emit-index-url --output-file requirements.txt
	uv pip compile --quiet pyproject.toml --group build --group dev --universal --python-version 3.11 \
	  --no-strip-extras --generate-hashes --no-header --no-annotate --no-emit-index-url \
	  --constraint requirements.txt --output-file requirements-dev.txt

clean:  ## remove what these verbs made
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage*

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/runtime: requirements.txt pyproject.toml | $(VENV)/bin/python
	$(PIP) install --require-hashes --requirement requirements.txt
	$(PIP) install --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/dev: requirements-dev.txt $(VENV)/runtime
	$(PIP) install --require-hashes --requirement requirements-dev.txt
	@touch $@
