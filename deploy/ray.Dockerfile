# syntax=docker/dockerfile:1
# A node of a Ray cluster that prepares, trains, serves and evaluates. Head, workers and the machine that commands them use
# the same image, so that Python, Ray and swaram are one version everywhere.
#   docker build --file deploy/ray.Dockerfile --tag swaram-ray:0.2.0 .
# Rights for object storage come from the nodes' environment; its fsspec package is s3fs here, gcsfs or adlfs elsewhere.
FROM python:3.12-slim
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# KubeRay asks the node's processes for their state by wget.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends wget && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/swaram
COPY . .
RUN pip install --no-cache-dir --constraint requirements-cluster.txt --editable ".[train,evaluate,cluster]" s3fs
ENV PYTHONUNBUFFERED=1 \
    HOME=/work
RUN useradd --system --uid 10001 --no-create-home --home-dir /work swaram && mkdir /work && chown 10001 /work
USER 10001:10001
WORKDIR /work
CMD ["swaram", "--help"]
