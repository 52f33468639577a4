# `make decode` and `make test` work on a fresh machine that has only Python >= 3.11.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

BRAINDECODE := .venv-braindecode

.PHONY: decode test test-slow test-braindecode test-aeon lint docs check-docs benchmark sample-data clean
.DEFAULT_GOAL := decode

$(VENV)/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL) torch
	$(INSTALL) -e .
	touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(INSTALL) -e ".[test]"
	touch $@

$(VENV)/.installed-doc: $(VENV)/.installed
	$(INSTALL) -e ".[doc]"
	touch $@

## Decode words from sample_data/, in float32 on every processor; results/sub-01/ has the report.
decode: $(VENV)/.installed
	$(BIN)/mne-duin decode sample_data --subject 01 --task wordreading --align response_time --precision 32 --out results

## Style, spelling, terms, docstrings, then the whole default test suite.
test: $(VENV)/.installed-test lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

## What takes minutes: whole commands, several processes, error rates.
test-slow: $(VENV)/.installed-test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile -m slow

## The networks of braindecode, in an environment of their own.
test-braindecode: $(BRAINDECODE)/.installed
	OMP_NUM_THREADS=1 $(BRAINDECODE)/bin/python -m pytest tests/baselines/test_braindecode.py tests/estimators/test_braindecode_weights.py -W ignore::FutureWarning -W ignore::DeprecationWarning

# Its torchaudio comes without compiled parts, which need the libraries of CUDA;
# braindecode calls none of them. The other packages are what braindecode asks for.
$(BRAINDECODE)/.installed: INSTALL := $(BRAINDECODE)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
$(BRAINDECODE)/.installed: pyproject.toml constraints.txt
	test -x $(BRAINDECODE)/bin/python || $(PYTHON) -m venv $(BRAINDECODE)
	$(INSTALL) torch
	$(INSTALL) -e . pytest pytest-benchmark huggingface_hub
	$(INSTALL) skorch torchinfo h5py wfdb linear_attention_transformer docstring_inheritance pydantic
	$(INSTALL) --no-deps braindecode==1.8.1 torchaudio==2.11.1
	rm -f $(BRAINDECODE)/lib/python*/site-packages/torchaudio/lib/*.so
	touch $@

## MultiRocket-Hydra, whose aeon holds numpy and pandas back.
test-aeon: .venv-aeon/.installed
	OMP_NUM_THREADS=1 .venv-aeon/bin/python -m pytest tests/baselines/test_multirocket.py

.venv-aeon/.installed: pyproject.toml
	test -x .venv-aeon/bin/python || $(PYTHON) -m venv .venv-aeon
	.venv-aeon/bin/python -m pip install --quiet -e ".[aeon]" pytest pytest-benchmark torch==2.13.0
	touch $@

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/python tests/prose.py
	$(BIN)/mypy

docs: $(VENV)/.installed-doc
	$(BIN)/python -m sphinx -W --keep-going -n -b html doc doc/_build/html

## Links, console and phone width of the built pages; every tutorial alone; own data.
check-docs: docs $(VENV)/.installed-test
	$(BIN)/python -m pytest tests/site --override-ini=addopts=

benchmark: $(VENV)/.installed-test
	mkdir -p results
	$(BIN)/python -m pytest tests/benchmarks -s --override-ini=addopts= --benchmark-json=results/benchmark.json

## Write sample_data/ again and show that the bytes are the same.
sample-data: $(VENV)/.installed-test
	$(BIN)/python -m mne_duin.datasets.sample --check

clean:
	rm -rf $(VENV) .venv-braindecode .venv-aeon results doc/_build doc/generated doc/auto_tutorials
