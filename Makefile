# `make demo` and `make test` set everything up by themselves; both work on a bare clone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO := demo

.DEFAULT_GOAL := help
.PHONY: help setup hashes demo test test-slow mutants lint bench study clean

help:
	@echo "make demo       environment, sample shop, build, train, recommend, explain (no key, no network)"
	@echo "make hashes     packages of the demonstration with digests, for make demo HASHES=FILE"
	@echo "make test       environment and the test suite"
	@echo "make test-slow  the tests that take minutes"
	@echo "make mutants    changes to the code that some test has to notice: hours"
	@echo "make lint       ruff and mypy"
	@echo "make bench      the benchmarks behind the figures in docs/, the study last"
	@echo "make study      the tables of docs/recommender-tables.md: hundreds of trainings, days"

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("needs Python 3.11 or later, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
ifdef HASHES
	$(BIN)/python -m pip install --quiet --require-hashes --requirement $(HASHES)
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
else
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $(READY)
endif

# Packages of the demonstration with the digests of their files; what `make demo HASHES=FILE` takes.
hashes:
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python tests/hashes.py requirements-hashes.txt

# The main job on a small shop with planted interests; every line is a command a user would type.
SHOW := $(BIN)/profiler show
REMI := --store $(DEMO)/shop.db --steps 1000 --evaluate-every 250
# One thread each: on models this small a second one only waits for the first.
demo: export OMP_NUM_THREADS ?= 1
demo: $(READY)
	@rm -rf $(DEMO) && mkdir -p $(DEMO)
	$(BIN)/profiler sample $(DEMO)/shop
	$(BIN)/profiler check $(DEMO)/shop
	$(BIN)/profiler build $(DEMO)/shop --store $(DEMO)/shop.db
	$(BIN)/profiler status --store $(DEMO)/shop.db
	$(BIN)/profiler interests --store $(DEMO)/shop.db -k 10
	$(SHOW) U007 --store $(DEMO)/shop.db
	$(SHOW) U042 --store $(DEMO)/shop.db
	$(BIN)/recommender train --out $(DEMO)/models/remi $(REMI)
	$(BIN)/recommender evaluate $(DEMO)/models/remi
	$(BIN)/recommender compare remi remi+eimf pop --out $(DEMO)/compare --store $(DEMO)/shop.db --seeds 2 --steps 1000 --set training.evaluate_every=250
	$(BIN)/recommender recommend $(DEMO)/models/remi --user U042 -k 10 --explain
	@echo
	@echo "the shop:        $(DEMO)/shop/        its planted interests: $(DEMO)/shop/truth.json"
	@echo "the store:       $(DEMO)/shop.db      look with: $(SHOW) USER --store $(DEMO)/shop.db"
	@echo "the models:      $(DEMO)/models/remi, $(DEMO)/compare/"

test: $(READY)
	OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow"

test-slow: $(READY)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,slow]'
	$(BIN)/python -m pytest -m slow --timeout 3600

mutants: $(READY)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,slow]'
	OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 $(BIN)/python tests/mutation/run.py

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)
	@for script in benchmarks/bench_*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done
	$(MAKE) study

study: $(READY)
	$(BIN)/python benchmarks/study.py run
	$(BIN)/python benchmarks/study.py tables

clean:
	rm -rf $(VENV) $(DEMO) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
