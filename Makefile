# The developer's handbook in verbs. Needs Python 3.11 or newer and make; everything else is
# installed into .venv, as the lock files say.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check --quiet --quiet
SOURCES := publisher feeds subscribers tests tools

RUN := $(BIN)/pytest -n auto --dist worksteal
# What each lane runs, and its budget of minutes. BUDGET=no lets it take longer, as on a machine that is busy.
LANE := $(BIN)/python -m tools.lanes $(if $(filter no,$(BUDGET)),--without-budget)
LARGE := MACHINES=$(or $(MACHINES),4) MACHINES_SUBSCRIBERS=20000 MACHINES_KILLS=20 MACHINES_FREEZES=10 MACHINES_CRASHES=5 \
  MACHINES_CUTS=2 MACHINES_CUT_SECONDS=60
TEST_FOLDERS := tests/feeds tests/project tests/publisher tests/subscribers tests/slow

.PHONY: demo test test-all night torture machines lint types contracts fast slow postgres list audit bench format \
  support lock where settings pictures clean help

help:  ## list the verbs
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/:/' | column -t -s:

demo: $(VENV)/runtime  ## publish two weeks of the demo publication into build/demo
	@$(BIN)/publisher demo build/demo

test: lint types contracts fast  ## checks, and the tests that need neither a process nor a browser
	@echo "Left out: processes, browsers, web servers, kills, packaging (make slow), PostgreSQL (make postgres)," \
	  "vulnerabilities (make audit), full sizes and coverage (make night)."

test-all: test slow postgres  ## what a change has to pass

lint: $(VENV)/dev
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)

types: $(VENV)/dev
	$(BIN)/mypy

contracts: $(VENV)/dev  ## the directions in which imports may run
	$(BIN)/lint-imports

fast: $(VENV)/dev
	$(LANE) fast

slow: $(VENV)/dev  ## processes, browsers, kills, packaging
	$(LANE) slow

postgres: $(VENV)/dev  ## the tests of the database on PostgreSQL; fails if no server is installed
	$(LANE) postgres

night: $(VENV)/dev  ## all tests in full sizes with new random lives, coverage, benchmarks, real corpora: hours
	$(LANE) night-fast night-slow night-postgres
	$(BIN)/python -m tools.repeated_tokens

list: $(VENV)/dev  ## store which tests opened a database in the last `make fast`: they run on PostgreSQL
	$(BIN)/python -m tools.lanes fast --update-list

torture: $(VENV)/dev  ## kills of a large issue and thousands of examples: hours
	TESTS_AT_NIGHT=$$(date +%s) CRASH_RECIPIENTS=5000 CRASH_KILLS=20 INVARIANT_EXAMPLES=5000 INVARIANT_STEPS=100 $(LARGE) \
	  $(RUN) -m "slow or hypothesis" --hypothesis-profile=torture --timeout=0 $(TEST_FOLDERS)

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

where: $(VENV)/bin/python  ## find where something is done: make where WORD="deferred mail"
	@$(BIN)/python -m tools.where "$(WORD)"

settings: $(VENV)/dev  ## write the keys of docs/reference/settings.md again, of the models
	$(BIN)/python -m tools.settings_page

pictures: $(VENV)/dev  ## make the pictures of the documentation from the real program (needs Chromium)
	$(BIN)/python -m tools.pictures docs/images

support: $(VENV)/runtime  ## renew what is known of mail programs (needs npm)
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	  npm pack --silent --pack-destination "$$folder" caniemail@latest >/dev/null && \
	  $(BIN)/python -m tools.mail_clients "$$folder"/caniemail-*.tgz

lock:  ## renew the lock files (needs uv); hashes only, no addresses
	uv pip compile --quiet pyproject.toml --group build --universal --python-version 3.11 --upgrade \
	  --no-strip-extras --generate-hashes --no-header --no-annotate --no-emit-index-url --output-file requirements.txt
	uv pip compile --quiet pyproject.toml --group build --group dev --universal --python-version 3.11 \
	  --no-strip-extras --generate-hashes --no-header --no-annotate --no-emit-index-url \
	  --constraint requirements.txt --output-file requirements-dev.txt
	uv pip compile --quiet pyproject.toml --extra postgres --extra engine --extra s3 --extra openid --universal --python-version 3.11 \
	  --no-strip-extras --generate-hashes --no-header --no-annotate --no-emit-index-url \
	  --constraint requirements.txt --output-file requirements-extras.txt
	# An extra that is written in two ways ends pip 23; what it asks for is in pyproject.toml.
	sed -i.former 's/^lxml\[html-clean\]==/lxml==/' requirements.txt requirements-dev.txt requirements-extras.txt
	rm requirements*.former

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
