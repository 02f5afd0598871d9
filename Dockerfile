# docker build -t convserve . && docker run -p 8000:8000 convserve
FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/convserve
WORKDIR /src
COPY requirements.txt ./
RUN /opt/convserve/bin/pip install --require-hashes --no-deps -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY app app
COPY kernels kernels
COPY models models
RUN /opt/convserve/bin/pip install --no-deps --no-build-isolation .

FROM python:3.11-slim
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent convserve
COPY --from=build /opt/convserve /opt/convserve
ENV PATH=/opt/convserve/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 CONVSERVE_HOST=0.0.0.0
WORKDIR /tmp
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["convserve", "health"]
CMD ["convserve", "serve"]
