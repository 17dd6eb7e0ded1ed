# Everything that can be done here, by name.
PYTHON ?= python

.PHONY: help app test fast lint types layers mutations check assets
help:            ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/'
app:             ## the app, on this machine only
	$(PYTHON) -m streamlit run app.py
test:            ## every test
	$(PYTHON) -m pytest
fast:            ## the unit tier, under 90 seconds
	$(PYTHON) -m pytest tests/unit
lint:            ## style and likely mistakes
	$(PYTHON) -m ruff check . && $(PYTHON) -m ruff format --check .
types:           ## mypy, strict
	$(PYTHON) -m mypy
layers:          ## which room may import which
	lint-imports
mutations:       ## break the code on purpose: a named test must notice each time
	$(PYTHON) tests/mutate.py
check: lint types layers test mutations  ## what CI checks
assets:          ## train the embedded models again from their recipes (about 45 minutes each; may be stopped and resumed)
	$(PYTHON) -m llmlab fetch shakespeare && $(PYTHON) -m llmlab train --recipe shakespeare --out shakespeare-gpt --resume
	$(PYTHON) -m llmlab fetch tang && $(PYTHON) -m llmlab train --recipe tang --out tang-gpt --resume
	$(PYTHON) -m llmlab train --recipe tales-bert --out tales-bert --resume  # some minutes
