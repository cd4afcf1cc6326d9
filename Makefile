# Each target sets up its own virtual environment when it is missing or stale.
PYTHON ?= python3
VENV   := .venv
STAMP  := $(VENV)/.installed
RUN    := $(VENV)/bin

.PHONY: demo test test-all lint clean

$(STAMP): pyproject.toml constraints.txt
	@echo "setting up $(VENV) (once, about a minute)"
	@$(PYTHON) -m venv $(VENV)
	@$(RUN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --editable '.[dev,synth]'
	@touch $@

demo: $(STAMP)
	@$(RUN)/vapic run

test: $(STAMP)
	@$(RUN)/python -m pytest -q -n auto

test-all: $(STAMP)
	@$(RUN)/python -m pytest -q -n auto -m 'slow or not slow'

lint: $(STAMP)
	@$(RUN)/ruff check .
	@$(RUN)/pyright

clean:
	rm -rf $(VENV) build .pytest_cache .ruff_cache
