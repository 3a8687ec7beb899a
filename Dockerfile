# The service in an image, for amd64 and arm64. `docker build -t bluecurrent-fimp .` works with the classic builder and
# with BuildKit. The two lock files fix the version and hash of everything that is installed; `make lock` updates them.
#
#   docker run --rm bluecurrent-fimp --version
#   docker run -d --read-only -v bridge-data:/data -e BRIDGE_MQTT__HOST=hub.local bluecurrent-fimp

FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY requirements.lock requirements-build.lock ./
# One dependency is published as source only. It is built here with the locked build tools, not with the newest ones.
RUN pip install --require-hashes -r requirements-build.lock \
 && pip wheel --no-build-isolation --require-hashes -r requirements.lock -w /wheels
COPY pyproject.toml README.md LICENSE ./
COPY config config
COPY bridge bridge
RUN pip wheel --no-build-isolation --no-deps -w /wheels . \
 && python -m venv --without-pip /opt/bridge \
 && pip --python /opt/bridge/bin/python install --no-index --no-deps /wheels/*.whl
# The page has three languages, so the others of babel's 30 MB are removed.
RUN find /opt/bridge -path '*/babel/locale-data/*.dat' ! -name root.dat ! -name 'en*.dat' ! -name 'n[bol]*.dat' -delete

FROM python:3.13-slim
ARG REVISION=unknown
LABEL org.opencontainers.image.title="bluecurrent-fimp" \
      org.opencontainers.image.description="Blue Current charge points on a Futurehome hub, or on any MQTT broker" \
      org.opencontainers.image.version="0.2.0" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="MIT"
# A fixed user id, so that the owner of the volume's files is the same in every version. The user cannot log in.
RUN echo 'bridge:x:10001:10001:bluecurrent-fimp:/data:/usr/sbin/nologin' >> /etc/passwd \
 && echo 'bridge:x:10001:' >> /etc/group \
 && install -d -o 10001 -g 10001 -m 700 /data
COPY --from=build /opt/bridge /opt/bridge
ENV PATH=/opt/bridge/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    BRIDGE_STORAGE__PATH=/data/bridge.db
USER 10001:10001
# The working directory, which may have a mounted bridge.toml.
WORKDIR /data
VOLUME /data
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=20s --retries=3 CMD ["python", "-m", "bridge.commandline.health"]
# Process 1 ignores a signal that it has no handler for. While they are blocked, signals wait until Python has set one.
ENTRYPOINT ["env", "--block-signal=TERM,INT", "bluecurrent-fimp"]
CMD ["run"]
