# The targets set everything up by themselves, say in a line what they do, and are quick when nothing has changed.
.PHONY: install demo serve test test-quick test-exhaustive fuzz check audit bench chaos load encoder bench-docs docs lock goldens wheel clean
.PHONY: web-types
.DEFAULT_GOAL := install

PYTHON ?= python3
BIN := .venv/bin
UV := .uv/bin/uv
ADD := $(UV) pip install --quiet --python $(BIN)/python
RUNTIME := .venv/.runtime
DEVELOPMENT := .venv/.development
MODELS := .venv/.models
WEB := src/timbre/web/index.html
PACKAGES := web/node_modules/.package-lock.json
WEB_SOURCES := $(shell find web -type f -not -path '*/node_modules/*')
NODE := $(shell node -e 'const [a, b] = process.versions.node.split("."); console.log(+a > 20 || (+a === 20 && +b >= 19))' 2>/dev/null)

# What Python compiles when it first loads it is kept, in folders that git ignores: the tests start Python hundreds of times.
unexport PYTHONDONTWRITEBYTECODE

install: $(RUNTIME) $(WEB)

# uv stands beside the environment: it is larger than most of what it installs, and not needed afterwards.
$(UV): requirements/installer.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Timbre needs Python 3.11 or newer; name one: make PYTHON=python3.12")'
	@echo "Fetching uv, which installs the rest"
	@$(PYTHON) -m venv --clear .uv/fetching
	@.uv/fetching/bin/python -m pip install -qq --disable-pip-version-check --upgrade --target .uv --require-hashes -r $<
	@rm -r .uv/fetching
	@touch $@

$(BIN)/python: | $(UV)
	@$(UV) venv --quiet --clear --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" .venv

# Only ever adds to what is there: who runs and develops Timbre has one environment, and its locks agree.
$(RUNTIME): requirements/run.lock requirements/build.lock pyproject.toml $(BIN)/python
	@echo "Installing Timbre and its libraries into .venv"
	@$(ADD) --require-hashes -r $<
	@$(ADD) --no-deps --build-constraints requirements/build.lock -e .
	@touch $@

$(DEVELOPMENT): requirements/dev.lock $(RUNTIME)
	@echo "Installing what tests and checks need"
	@$(ADD) --require-hashes -r $<
	@touch $@

# The web app. All else works without it, so that a machine without Node.js is told, not stopped.
ifeq ($(NODE),true)
$(PACKAGES): web/package.json web/package-lock.json
	@echo "Fetching the libraries of the web app"
	@cd web && npm ci --no-audit --no-fund --loglevel=error >/dev/null
	@touch $@

$(WEB): $(PACKAGES) $(WEB_SOURCES) samples/conversation.ogg
	@echo "Building the web app"
	@cd web && npm run --silent build -- --logLevel warn
	@touch $@
else
.PHONY: $(WEB) $(PACKAGES)
$(WEB) $(PACKAGES):
	@echo "The web app is not built: it needs Node.js 20.19 or newer, from https://nodejs.org. All else works." >&2
endif

# The default models come with Timbre. Tests and measurements also compare with GE2E as it was published, which is
# fetched into the user's cache folder unless it is there.
$(MODELS): $(DEVELOPMENT) src/timbre/models/catalogue.toml
	@$(BIN)/timbre models pull ge2e
	@touch $@

demo: $(RUNTIME)
	@$(BIN)/python samples/demo.py

serve: install
	@$(BIN)/timbre serve

# A file's tests stay together. Bytecode is kept, whatever the environment says: the tests start Timbre 200 times.
# More of them than processors: a test waits for its server, or a server for its test.
WORKERS ?= 4
TESTS = OPENBLAS_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $(WORKERS) \
	--dist loadfile --no-loadscope-reorder

test: $(DEVELOPMENT) $(MODELS) $(WEB)
	$(if $(filter true,$(NODE)),cd web && npm run --silent test,@echo "Without Node.js the web app's own tests are left out." >&2)
	$(TESTS) -m "not exhaustive"

# What `make test` leaves out: many more rounds and examples, and the figures that must hold on the speech of TIMBRE_DATA.
test-exhaustive: $(DEVELOPMENT) $(MODELS) $(WEB)
	$(TESTS) -m exhaustive

# What needs neither a server nor a database nor a browser, and hears no whole recording: the loop while one writes.
# Little there waits, and each process more would load all tests once more.
test-quick: WORKERS = 3
test-quick: $(DEVELOPMENT) $(MODELS)
	$(TESTS) -m "not database and not hearing and not exhaustive" tests/unit tests/integration

# Spoiled voiceprints, transcripts, labels and recordings, each test so many times; says how many.
FUZZ ?= 20000
fuzz: $(DEVELOPMENT)
	TIMBRE_FUZZ=$(FUZZ) $(BIN)/python -m pytest tests/unit/test_fuzz.py -q --hypothesis-show-statistics

check: $(DEVELOPMENT) $(PACKAGES)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(if $(filter true,$(NODE)),cd web && npm run --silent check)
	$(AUDIT)

# Known vulnerabilities in what is installed: found, they fail; where nobody answers in time, that is said.
AUDIT = @$(BIN)/python requirements/audit.py
audit: $(DEVELOPMENT)
	$(AUDIT)

bench: $(DEVELOPMENT) $(MODELS)
	$(BIN)/python -m benchmarks

# Breaks servers under load, and counts what became of every job; more or fewer times, and single scenarios by name.
ROUNDS ?= 100
chaos: $(DEVELOPMENT)
	$(BIN)/python -m benchmarks.reliability chaos $(SCENARIOS) --rounds $(ROUNDS)

# Brings so many jobs at once, and clients, uploads and minutes in proportion.
JOBS ?= 10000
load: $(DEVELOPMENT)
	$(BIN)/python -m benchmarks.reliability load $(SCENARIOS) --jobs $(JOBS)

# The pages of figures are written from what these left in benchmarks/results; a test compares them.
bench-docs: $(DEVELOPMENT)
	$(BIN)/python docs/make_accuracy_page.py
	$(BIN)/python docs/make_reliability_page.py
	$(BIN)/python docs/make_accuracy_pictures.py

# Trains the next encoder, on the labelled speech that TIMBRE_DATA points to; see training/encoder.
encoder: $(UV)
	test -x .venv-training/bin/python || $(UV) venv --quiet --python $(PYTHON) .venv-training
	$(UV) pip install --quiet --python .venv-training/bin/python -r requirements/training.txt -e ".[conversion,evaluation]"
	.venv-training/bin/timbre models pull ge2e
	.venv-training/bin/python -m training.encoder train
	.venv-training/bin/python -m training.encoder left-out

# The API reference is written from the OpenAPI document; a test tells when it is out of date.
docs: $(DEVELOPMENT)
	$(BIN)/python docs/make_api_reference.py

# The types of the API in the web app, from the same document; a test tells when they are out of date.
web-types: $(DEVELOPMENT) $(PACKAGES)
	$(BIN)/python web/make_types.py

# A wheel with the web app and the models, made from the source distribution beside it; git's tag is its version.
wheel: $(UV) $(WEB)
	@test -e $(WEB) || { echo "A wheel has the web app inside, so it cannot be made." >&2; exit 1; }
	@$(UV) build --quiet --python $(BIN)/python --build-constraints requirements/build.lock --require-build-hashes
	@ls -t dist/*.whl | head -1

# Hashes for every supported Python, without the address of any index and without gigabytes for a GPU.
LOCK = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	--upgrade
lock: $(UV)
	$(LOCK) --group installer -o requirements/installer.lock
	$(LOCK) --group build -o requirements/build.lock
	$(LOCK) pyproject.toml --group dev --extra asr --extra conversion --extra docx --extra evaluation \
		--extra mcp --extra otel --extra redis -o requirements/dev.lock
	$(LOCK) pyproject.toml --group run --constraints requirements/dev.lock -o requirements/run.lock

# The reference arrays of the parity tests, from the original implementations in an environment of their own.
goldens:
	test -x .venv-reference/bin/python || $(PYTHON) -m venv .venv-reference
	.venv-reference/bin/python -m pip install --quiet -r requirements/reference.txt
	.venv-reference/bin/python -m pip install --quiet --no-deps resemblyzer==0.1.4 silero-vad==6.2.3
	.venv-reference/bin/python tests/golden/generate.py

clean:
	rm -rf .venv .venv-reference .venv-training .uv .hypothesis .schemathesis .*_cache build dist
	rm -rf src/timbre/web web/node_modules
	find . -name __pycache__ -prune -exec rm -r {} +
