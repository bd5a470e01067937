# `make demo` and `make test` set up .venv by themselves; `make help` lists the targets.

PYTHON ?= python3
VENV ?= .venv
CONSTRAINTS ?= constraints.txt
BIN = $(VENV)/bin
JOBS ?= 2
MINUTES ?= 120
OUT ?= runs/default.safetensors

# Processes share the cores; threads of each would only be in the others' way.
export OMP_NUM_THREADS ?= 1
# scikit-learn's array API check runs only if this is set before scipy is imported.
export SCIPY_ARRAY_API = 1
export MPLBACKEND = agg

.PHONY: help demo test test-all test-oldest lint docs bench weights \
	classifier-weights clean
.DEFAULT_GOAL := help

help:
	@echo "make demo      explain a pipeline: demo-output/explanations.csv and explanation.png"
	@echo "make test      the quick tests"
	@echo "make test-all  the slow ones as well"
	@echo "make test-oldest  the quick tests with the oldest versions that pyproject.toml allows"
	@echo "make lint      ruff, mypy, codespell, docstrings, doctests, layers"
	@echo "make docs      the documentation and its gallery, docs/_build/html/index.html"
	@echo "make bench     accuracy and speed beside shap, shapiq, lime and others (hours)"
	@echo "make weights   train the shipped networks again: MINUTES=$(MINUTES) OUT=$(OUT)"
	@echo "make classifier-weights  those of the self-explaining classifiers, in runs/classifiers"
	@echo "make clean     remove what the others made"

# One stamp for each extra: made again when the project's requirements change.
$(VENV)/.installed-%: pyproject.toml $(CONSTRAINTS)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing sklearn-metaexplain[$*] into $(VENV); this takes a minute or two, once."
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check \
		--constraint $(CONSTRAINTS) --editable ".[$*]"
	@touch $@

# Keeps make from removing the stamps as intermediate files.
.PRECIOUS: $(VENV)/.installed-%

demo: $(VENV)/.installed-test
	@$(BIN)/python examples/explain_a_pipeline.py demo-output

# Each worker has one core: more threads would wait for one another.
test test-all: export OMP_NUM_THREADS = 1

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n $(JOBS) -m "not slow" tests

test-all: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n $(JOBS) tests

test-oldest:
	$(MAKE) test VENV=.venv-oldest CONSTRAINTS=constraints-oldest.txt

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell
	$(BIN)/python docs/validate_docstrings.py
	$(BIN)/python -m pytest -q --doctest-modules sklearn_metaexplain
	$(BIN)/python -m pytest -q tests/test_layers.py

docs: $(VENV)/.installed-docs
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "Open docs/_build/html/index.html"

bench: $(VENV)/.installed-bench
	$(BIN)/python benchmarks/run.py

weights: $(VENV)/.installed-test
	@mkdir -p $(dir $(OUT))
	$(BIN)/python -m sklearn_metaexplain.training train --minutes $(MINUTES) --out $(OUT)
	$(BIN)/python -m sklearn_metaexplain.calibration --weights $(OUT) --out $(OUT)

classifier-weights: $(VENV)/.installed-test
	$(BIN)/python -m sklearn_metaexplain.training train-classifiers --minutes 50 \
		--steps-per-epoch 50 --out-dir runs/classifiers

clean:
	rm -rf $(VENV) .venv-oldest build dist *.egg-info demo-output docs/_build docs/api/generated docs/auto_gallery
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find sklearn_metaexplain tests examples benchmarks docs -name __pycache__ -prune \
		-exec rm -rf {} +
