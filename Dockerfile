# syntax=docker/dockerfile:1
# Speech on port 5000, with the Malayalam voice and recogniser inside. No PyTorch, no shell needed, no root.
#   docker build --tag swaram . && docker run --rm --read-only --tmpfs /tmp --publish 5000:5000 swaram
FROM python:3.12-slim AS wheels
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
WORKDIR /source
RUN pip install --no-cache-dir build==1.6.1 hatchling==1.33.0
COPY . .
RUN python -m build --no-isolation --wheel --outdir /wheels . \
    && for package in packages/swaram-*; do \
         python -m build --no-isolation --wheel --outdir /wheels "$package" || exit 1; \
       done

FROM python:3.12-slim
LABEL org.opencontainers.image.title="swaram" \
      org.opencontainers.image.description="Text to speech for India's languages" \
      org.opencontainers.image.licenses="Apache-2.0 AND CC-BY-SA-4.0"
COPY requirements.txt /etc/swaram/requirements.txt
RUN --mount=type=bind,from=wheels,source=/wheels,target=/wheels \
    pip install --no-cache-dir --constraint /etc/swaram/requirements.txt /wheels/*.whl \
    && useradd --system --uid 10001 --no-create-home --home-dir /nonexistent swaram
# Further voices: --volume ./voices:/voices:ro
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    SWARAM_VOICES=/voices
USER 10001:10001
WORKDIR /
EXPOSE 5000
HEALTHCHECK --interval=15s --timeout=4s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:5000/healthz', timeout=3)"]
STOPSIGNAL SIGTERM
CMD ["swaram", "serve", "--host", "0.0.0.0", "--port", "5000", "--json-log"]
