# syntax=docker/dockerfile:1
# Preparation, training and evaluation on an NVIDIA GPU. PyTorch's wheels bring CUDA; the host needs the driver and its
# container toolkit alone.
#   docker build --file deploy/cuda.Dockerfile --tag swaram-train .
#   docker run --rm --gpus all --shm-size 8g --user "$(id -u):$(id -g)" --volume "$PWD:/work" swaram-train \
#     train -c config.json
FROM python:3.12-slim
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
WORKDIR /opt/swaram
COPY . .
RUN pip install --no-cache-dir --constraint requirements.txt --editable ".[train,evaluate]"
ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    PYTHONUNBUFFERED=1 \
    HOME=/work
RUN useradd --system --uid 10001 --no-create-home --home-dir /work swaram && mkdir /work && chown 10001 /work
USER 10001:10001
WORKDIR /work
ENTRYPOINT ["swaram"]
CMD ["--help"]
