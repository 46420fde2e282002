"""A real cluster on this machine: two nodes of one CPU each; and object storage that answers on loopback."""

import logging
import os
from collections.abc import Iterator

import pytest

from tests.prepare.fixtures import corpus, tree, utterances

__all__ = ["corpus", "tree", "utterances"]

REASON = "what needs Ray is run by make soak, in an environment of its own"


@pytest.fixture(scope="session")
def cluster(s3) -> Iterator:
    """``ray.cluster_utils.Cluster``, joined by this process; its nodes know the credentials of the storage."""
    ray = pytest.importorskip("ray", reason=REASON)
    from ray.cluster_utils import Cluster

    os.environ["RAY_ENABLE_WORKER_PREFETCH"] = "0"
    one = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    one.add_node(num_cpus=1)
    ray.init(one.address, log_to_driver=False, logging_level="ERROR")
    one.wait_for_nodes()
    try:
        yield one
    finally:
        ray.shutdown()
        one.shutdown()


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The address of an S3 stand-in with an empty bucket ``swaram``; credentials stand in the environment."""
    server = pytest.importorskip("moto.server", reason=REASON)
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    running.start()
    host, port = running.get_host_and_port()
    address = f"http://{host}:{port}"
    told = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": address,
        "FSSPEC_S3_ENDPOINT_URL": address,
    }
    before = {name: os.environ.get(name) for name in told}
    os.environ.update(told)
    import boto3

    boto3.client("s3").create_bucket(Bucket="swaram")
    try:
        yield address
    finally:
        running.stop()
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
