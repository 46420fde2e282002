"""Joining a cluster, and looking at its nodes before work begins."""

import contextlib
import os
import platform
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import swaram
from swaram.cluster.errors import ClusterError
from swaram.errors import SwaramError
from swaram.extras import install_command

AUTO, LOCAL = "auto", "local"
PROBE_SECONDS = 5.0
NODE_SECONDS = 120.0  # a node's first task starts a process and imports this package
_ADDRESS = re.compile(r"(ray://)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):(\d{1,5})")


@dataclass(frozen=True)
class Address:
    """Where a cluster is: ``auto`` (RAY_ADDRESS, the one of this machine, else one started here), ``local`` (one
    started here), ``HOST:PORT`` (its head, from one of its nodes) or ``ray://HOST:PORT`` (from anywhere)."""

    text: str
    host: str = ""
    port: int = 0


def parse_address(text: str) -> Address:
    """Raises ClusterError where it is no address."""
    if text in (AUTO, LOCAL):
        return Address(text)
    match = _ADDRESS.fullmatch(text.strip())
    if match is None or not 0 < int(match[3]) < 65_536:
        raise ClusterError(
            f"{text[:80]!r} is no address of a cluster; write --cluster auto, local, HOST:PORT or ray://HOST:PORT."
        )
    return Address(match[0], match[2].strip("[]"), int(match[3]))


def load_ray() -> ModuleType:
    """The package ``ray``. Raises ClusterError where it is not installed."""
    try:
        import ray
    except ImportError:
        raise ClusterError(f"A cluster needs ray, which is not installed: {install_command('cluster')}") from None
    return ray


@contextlib.contextmanager
def joined(text: str) -> Iterator[ModuleType]:
    """Join the cluster at this address; yield ``ray``; leave it at the end. What was joined before stays joined.

    Raises ClusterError: no answer, other versions, a token that is missing.
    """
    address = parse_address(text)
    ray = load_ray()
    if ray.is_initialized():
        yield ray
        return
    _join(ray, address)
    try:
        yield ray
    finally:
        ray.shutdown()


def _join(ray: ModuleType, address: Address) -> None:
    wanted = os.environ.get("RAY_ADDRESS", "") if address.text == AUTO else ""
    if wanted:
        address = parse_address(wanted)
    if address.host:
        _probe(address)
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    started_here = {"include_dashboard": False, "num_cpus": cores()}
    try:
        if address.host:
            ray.init(address.text, **quiet)
        elif address.text == LOCAL:
            ray.init("local", **quiet, **started_here)
        else:
            try:
                ray.init(AUTO, **quiet)
            except ConnectionError:
                ray.init("local", **quiet, **started_here)
    except (ConnectionError, TimeoutError, OSError) as error:
        raise ClusterError(f"{address.text}: the cluster does not answer ({_line(error)}).") from error
    except Exception as error:
        raise ClusterError(_refusal(address, str(error))) from error


def cores() -> int:
    """How many cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _probe(address: Address) -> None:
    try:
        socket.create_connection((address.host, address.port), PROBE_SECONDS).close()
    except OSError as error:
        reason = "no answer" if isinstance(error, TimeoutError) else (error.strerror or str(error)).lower()
        raise ClusterError(
            f"{address.text}: no cluster answers there ({reason}); is its head running, and the port open from here?"
        ) from None


def _refusal(address: Address, said: str) -> str:
    """One sentence for what Ray says in several lines."""
    if "ersion mismatch" in said or ("version" in said.lower() and "mismatch" in said.lower()):
        found = [" ".join(pair) for pair in re.findall(r"(Ray|Python): ?v?([\d.]+)", said)]
        seen = f" ({', '.join(dict.fromkeys(found))})" if found else ""
        return f"{address.text}: the cluster runs other versions than this machine{seen}; install the same on both."
    if "token" in said.lower() or "auth" in said.lower():
        return f"{address.text}: the cluster wants its token; set RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH."
    return f"{address.text}: the cluster cannot be joined ({_line(said)})."


def _line(said: object) -> str:
    return (str(said).strip().splitlines() or ["no reason given"])[0].rstrip(".")[:200]


@dataclass(frozen=True)
class NodeFacts:
    """A node as it describes itself; ``voices``: those that ``voice.library`` finds there, None: not asked."""

    name: str
    python: str
    swaram: str
    front_end: str
    voices: tuple[str, ...] | None = None


def describe_node(voices: str | None, with_voices: bool) -> NodeFacts:
    """What one node has. Runs there."""
    from swaram.text.digest import front_end_digest

    found: tuple[str, ...] | None = None
    if with_voices:
        from swaram.voice.library import known_packages

        found = tuple(sorted(known_packages(voices)))
    return NodeFacts("this machine", platform.python_version(), swaram.__version__, front_end_digest(), found)


def compare_nodes(own: NodeFacts, nodes: list[NodeFacts]) -> None:
    """Raise ClusterError, one sentence, for the first node that would not do what this machine does."""
    for node in nodes:
        if node.python.split(".")[:2] != own.python.split(".")[:2]:
            raise ClusterError(f"node {node.name} has Python {node.python}, this machine {own.python}; use one.")
        if node.swaram != own.swaram:
            raise ClusterError(f"node {node.name} has swaram {node.swaram}, this machine {own.swaram}; install one.")
        if node.front_end != own.front_end:
            raise ClusterError(
                f"node {node.name} reads text by other rules than this machine, though both are swaram {own.swaram}; "
                "install the same build on both."
            )
        missing = sorted(set(own.voices or ()) - set(node.voices or ()))
        if missing:
            there = ", ".join(node.voices or ()) or "none"
            raise ClusterError(
                f"node {node.name} has no voice {missing[0]} (it has: {there}); install it there, or name a folder of "
                "voices that every node sees with --voices."
            )


def check_nodes(ray: ModuleType, voices: Path | None = None, with_voices: bool = False) -> list[NodeFacts]:
    """Ask every node what it has, and compare it with this machine. Raises ClusterError before any work is done."""
    folder = None if voices is None else str(voices.absolute())
    own = describe_node(folder, with_voices)
    facts = [replace(facts, name=name) for name, facts in on_every_node(ray, describe_node, folder, with_voices)]
    compare_nodes(own, facts)
    return facts


def on_every_node(ray: ModuleType, ask: Callable[..., Any], *given: Any) -> list[tuple[str, Any]]:
    """(node, what ``ask(*given)`` gave there) of every node. Raises ClusterError that names the node."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    task = ray.remote(num_cpus=0, max_retries=0)(ask)
    asked = []
    for node in (node for node in ray.nodes() if node["Alive"]):
        there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        name = f"{node['NodeManagerAddress']} ({node['NodeID'][:8]})"
        asked.append((name, task.options(scheduling_strategy=there).remote(*given)))
    answers = []
    for name, answer in asked:
        try:
            answers.append((name, ray.get(answer, timeout=NODE_SECONDS)))
        except Exception as error:
            raise ClusterError(f"node {name}: {_fault(error)}") from error
    return answers


def _fault(error: Exception) -> str:
    cause = getattr(error, "cause", None)
    if isinstance(cause, SwaramError):
        return str(cause)
    missing = re.search(r"No module named [^\s]+", str(error))
    if missing:
        return f"cannot run swaram ({missing[0]}); install it there."
    if "imeout" in type(error).__name__:
        return f"does not answer within {NODE_SECONDS:.0f} s."
    return f"cannot work ({_line(error)})."
