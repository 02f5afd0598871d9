# docker build -t convserve . && docker run -p 8000:8000 convserve
FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
# No pip in the environment that is kept: the one outside installs into it.
RUN python -m venv --without-pip /opt/convserve
WORKDIR /src
COPY requirements/service.txt requirements/service.txt
RUN pip --python /opt/convserve/bin/python install --require-hashes --no-deps -r requirements/service.txt
COPY pyproject.toml README.md LICENSE ./
COPY app app
COPY kernels kernels
COPY models models
# What only building needs (350 of 2,000 MB): TensorFlow's C++ headers, a compiler as a library, setuptools.
RUN pip --python /opt/convserve/bin/python install --no-deps --no-build-isolation . && \
    pip --python /opt/convserve/bin/python uninstall --yes libclang setuptools wheel && \
    rm -rf /opt/convserve/lib/python3.11/site-packages/tensorflow/include

FROM python:3.11-slim
ARG VERSION=unreleased
ARG REVISION=unknown
LABEL org.opencontainers.image.title=convserve org.opencontainers.image.licenses=Apache-2.0 \
    org.opencontainers.image.version=$VERSION org.opencontainers.image.revision=$REVISION
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent convserve
COPY --from=build /opt/convserve /opt/convserve
ENV PATH=/opt/convserve/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 CONVSERVE_HOST=0.0.0.0
# The only place that is written to: uploads of more than 1 MB wait there. With --read-only, --tmpfs /tmp.
WORKDIR /tmp
USER 10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["convserve", "health"]
CMD ["convserve", "serve"]
