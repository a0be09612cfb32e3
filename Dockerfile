# One image for every program of Steersman: server, worker, runner, cron and the command line.
#
#     make image                       # or: docker build --tag steersman:local .
#
# Where the packages come from is told by the usual variables (PIP_INDEX_URL and its like), as build
# arguments; they are seen only by stages of which nothing but files is kept.
ARG BASE=python:3.11-slim

# What we depend on, in an environment of its own: changes seldom, and is the larger part.
FROM ${BASE} AS dependencies
ARG PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_TRUSTED_HOST PIP_DEFAULT_TIMEOUT
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements/platform.txt /build/requirements.txt
RUN python3 -m venv /opt/steersman \
 && /opt/steersman/bin/pip install --quiet --no-compile --require-hashes -r /build/requirements.txt

# Our own package, beside them: all that a change of the code makes anew.
FROM dependencies AS package
COPY pyproject.toml README.md LICENSE /build/
COPY src /build/src
RUN /opt/steersman/bin/pip install --quiet --no-compile --no-build-isolation --no-deps \
        --prefix /package /build \
 && /opt/steersman/bin/python -m compileall -q --invalidation-mode unchecked-hash /package

# What building took is no part of the image. Compiled files are believed without a look at the
# sources: nothing here changes, and each start saves some hundred looks.
FROM dependencies AS trimmed
RUN /opt/steersman/bin/pip uninstall --quiet --yes hatchling editables trove-classifiers tomlkit \
        pathspec pluggy packaging pip setuptools \
 && /opt/steersman/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/steersman/lib

FROM ${BASE}
# git and ssh are what the server fetches repositories with.
RUN if ! command -v git >/dev/null || ! command -v ssh >/dev/null; then \
        apt-get update -qq \
     && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            ca-certificates git openssh-client >/dev/null \
     && rm -rf /var/lib/apt/lists/* /var/cache/apt; \
    fi \
 && groupadd --gid 65532 steersman \
 && useradd --uid 65532 --gid 65532 --home-dir /var/lib/steersman --shell /usr/sbin/nologin steersman \
 && install -d -m 0700 -o 65532 -g 65532 /var/lib/steersman
COPY --from=trimmed /opt/steersman /opt/steersman
COPY --from=package /package /opt/steersman
# The programs write only below /var/lib/steersman and /tmp; everything else may be read-only.
ENV PATH=/opt/steersman/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/var/lib/steersman \
    STEERSMAN_DATA=/var/lib/steersman
LABEL org.opencontainers.image.title="Steersman" \
      org.opencontainers.image.description="Runs the pipelines of a wercker.yml: server, worker, runner and command line" \
      org.opencontainers.image.licenses="Apache-2.0"
USER 65532:65532
WORKDIR /var/lib/steersman
HEALTHCHECK NONE
ENTRYPOINT ["steer"]
