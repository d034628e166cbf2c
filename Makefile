# The targets set everything up by themselves and are quick when nothing has changed.
.PHONY: install demo serve test check bench encoder bench-docs docs lock goldens clean web-types
.DEFAULT_GOAL := install

PYTHON ?= python3
BIN := .venv/bin
SETUP := .venv/.installed
MODELS := .venv/.models
WEB := src/timbre/web/index.html
PACKAGES := web/node_modules/.package-lock.json
WEB_SOURCES := $(shell find web -type f -not -path '*/node_modules/*')
NODE := $(shell node -e 'const [a, b] = process.versions.node.split("."); console.log(+a > 20 || (+a === 20 && +b >= 19))' 2>/dev/null)

install: $(SETUP) $(WEB)

$(SETUP): requirements/dev.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Timbre needs Python 3.11 or newer; name one: make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# The web app. All else works without it, so that a machine without Node.js is told, not stopped.
ifeq ($(NODE),true)
$(PACKAGES): web/package.json web/package-lock.json
	cd web && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(WEB): $(PACKAGES) $(WEB_SOURCES) samples/conversation.ogg
	cd web && npm run --silent build
	@touch $@
else
.PHONY: $(WEB) $(PACKAGES)
$(WEB) $(PACKAGES):
	@echo "The web app is not built: it needs Node.js 20.19 or newer, from https://nodejs.org. All else works." >&2
endif

# The default models come with Timbre. Tests and measurements also compare with GE2E as it was published, which is
# fetched into the user's cache folder unless it is there.
$(MODELS): $(SETUP) src/timbre/models/catalogue.toml
	$(BIN)/timbre models pull ge2e
	@touch $@

demo: install
	@$(BIN)/python samples/demo.py

serve: install
	@$(BIN)/timbre serve

test: $(SETUP) $(MODELS) $(WEB)
	$(if $(filter true,$(NODE)),cd web && npm run --silent test,@echo "Without Node.js the web app's own tests are left out." >&2)
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadfile

check: $(SETUP) $(PACKAGES)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(if $(filter true,$(NODE)),cd web && npm run --silent check)

bench: $(SETUP) $(MODELS)
	$(BIN)/python -m benchmarks

# The page of figures is written from what `make bench` left in benchmarks/results; a test compares the two.
bench-docs: $(SETUP)
	$(BIN)/python docs/make_accuracy_page.py
	$(BIN)/python docs/make_accuracy_pictures.py

# Trains the encoder that ships with Timbre, on the labelled speech that TIMBRE_DATA points to; see training/encoder.
encoder: install
	test -x .venv-training/bin/python || $(PYTHON) -m venv .venv-training
	.venv-training/bin/python -m pip install --quiet -r requirements/training.txt -e .
	$(BIN)/timbre models pull ge2e
	.venv-training/bin/python -m training.encoder train
	.venv-training/bin/python -m training.encoder left-out

# The API reference is written from the OpenAPI document; a test tells when it is out of date.
docs: $(SETUP)
	$(BIN)/python docs/make_api_reference.py

# The types of the API in the web app, from the same document; a test tells when they are out of date.
web-types: $(SETUP) $(PACKAGES)
	$(BIN)/python web/make_types.py

# Hashes for every supported Python, without the address of any index and without gigabytes for a GPU.
lock: $(SETUP)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --upgrade --extra evaluation --extra redis --group dev pyproject.toml -o requirements/dev.lock

# The reference arrays of the parity tests, from the original implementations in an environment of their own.
goldens:
	test -x .venv-reference/bin/python || $(PYTHON) -m venv .venv-reference
	.venv-reference/bin/python -m pip install --quiet -r requirements/reference.txt
	.venv-reference/bin/python -m pip install --quiet --no-deps resemblyzer==0.1.4 silero-vad==6.2.3
	.venv-reference/bin/python tests/golden/generate.py

clean:
	rm -rf .venv .venv-reference .venv-training build dist src/timbre/web web/node_modules
