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

# What building took, and what only tests and other compilers need, is no part of the image. Compiled
# files are believed without a look at the sources: nothing here changes, and each start saves some
# hundred looks.
FROM dependencies AS trimmed
RUN /opt/steersman/bin/pip uninstall --quiet --yes hatchling editables trove-classifiers tomlkit \
        pathspec pluggy packaging pip setuptools \
 && cd /opt/steersman \
 && find bin -type f -delete \
 && rm -rf lib/python3*/site-packages/*/testing lib/python3*/site-packages/*/tests share include \
 && find lib -name '*.c' -delete -o -name '*.h' -delete -o -name '*.pyx' -delete -o -name '*.pxd' -delete \
 && bin/python -m compileall -q --invalidation-mode unchecked-hash lib

# The base, with git and ssh, by which the server fetches repositories, and without what nothing
# here runs: texts for people, perl, the package manager, programs that serve git. What is installed
# stays on record for those who look for vulnerabilities. Some bases bring Python's own library
# without its compiled files, and nothing can write them later.
FROM ${BASE} AS system
RUN if ! command -v git >/dev/null || ! command -v ssh >/dev/null; then \
        apt-get update -qq \
     && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            ca-certificates git openssh-client >/dev/null; \
    fi \
 && groupadd --gid 65532 steersman \
 && useradd --uid 65532 --gid 65532 --home-dir /var/lib/steersman --shell /usr/sbin/nologin steersman \
 && cd "$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" \
 && rm -rf test idlelib lib2to3 pydoc_data tkinter turtledemo turtle.py ensurepip distutils \
        config-3* site-packages/* /usr/lib/python3/dist-packages/* \
 && python3 -m compileall -q --invalidation-mode unchecked-hash . \
 && cd /usr/lib/git-core \
 && rm -f scalar git-daemon git-http-backend git-http-fetch git-http-push git-imap-send git-shell \
 && rm -rf /usr/share/doc /usr/share/man /usr/share/info /usr/share/locale /usr/share/perl* \
        /usr/share/lintian /usr/share/bash-completion /usr/share/gitweb /usr/share/python-wheels \
        /usr/share/zoneinfo/right /usr/share/zoneinfo/posix \
        /usr/lib/*-linux-gnu/perl* /usr/lib/*-linux-gnu/libperl* /usr/bin/perl* /usr/bin/pip* /usr/local/bin/pip* \
        /usr/lib/apt /usr/lib/*-linux-gnu/libapt* /usr/bin/apt* /usr/bin/dpkg* /var/lib/dpkg/info \
        /var/lib/apt /var/cache /var/log /tmp/* /root \
 && mkdir -p /var/cache /var/log /root \
 # Nobody is to become anybody else.
 && find / -xdev -perm /6000 -exec chmod a-s {} +

# In layers of its own, of which the last and smallest is our package: only they are fetched.
FROM scratch
COPY --from=system / /
RUN install -d -m 0700 -o 65532 -g 65532 /var/lib/steersman
COPY --from=trimmed /opt/steersman /opt/steersman
COPY --from=package /package /opt/steersman
# The programs write only below /var/lib/steersman and /tmp; everything else may be read-only.
ENV PATH=/opt/steersman/bin:/usr/local/bin:/usr/bin:/bin \
    LANG=C.UTF-8 \
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
