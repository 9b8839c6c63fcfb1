# make run    the whole job, from a fresh clone: http://127.0.0.1:8000
# make test   all tests; make torture: those of an article's identity in full size, some minutes
# make model  each reader gets each article exactly once: 100,000 steps against a plain model
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test model torture crash lint bench bounces fuzz fuzz-reports clean

run: .venv/run
	@$(BIN)/publisher ingest
	@$(BIN)/publisher subscribers add reader@example.org --name "Sample Reader" --confirmed
	@exec $(BIN)/publisher run

test: .venv/dev
	$(BIN)/pytest -n 2 --dist worksteal

# Readers, articles, clocks and faults in any order, against a plain model: about half an hour.
MODEL_RUNS ?= 50

model: .venv/dev
	PUBLISHER_MODEL=$(MODEL_RUNS) $(BIN)/pytest -n 2 --dist worksteal tests/digest/test_exactly_once.py

torture: .venv/dev
	PUBLISHER_TORTURE=5 $(BIN)/pytest -n 2 tests/intake/test_torture.py tests/intake/test_torture_newsroom.py

# kill -9 in the middle of a send, 100 times for each way to send: about ten minutes.
crash: .venv/dev
	PUBLISHER_CRASH=1 $(BIN)/pytest -s tests/mail/test_crash.py

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: .venv/dev
	$(BIN)/python tests/bench/run.py

# The classifier on samples that it was not made from, against flufl.bounce alone; fetches them from the package index.
bounces: .venv/dev
	$(BIN)/python tests/bench/bounces.py

FUZZ_SECONDS ?= 600
FUZZ_REPORTS ?= 1000000

fuzz: .venv/dev
	$(BIN)/python -m tests.fuzz.run --seconds $(FUZZ_SECONDS)

# A million hostile reports: about an hour on two cores.
fuzz-reports: .venv/dev
	PUBLISHER_FUZZ_REPORTS=$(FUZZ_REPORTS) $(BIN)/pytest -n 2 tests/inbound/test_hostile.py

clean:
	rm -rf .venv dist var .pytest_cache .mypy_cache .ruff_cache .hypothesis tests/e2e/node_modules

# Installed once, and again when what is wanted changes.
.venv/run: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Publisher needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another: make run PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing into .venv ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	@touch $@

.venv/dev: .venv/run tests/e2e/package.json
	@echo "Installing what the tests need into .venv ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,fuzz]'
	@! command -v npm >/dev/null || npm install --silent --no-fund --no-audit --no-package-lock --prefix tests/e2e || true
	@touch $@
