"""Several voices or checkpoints evaluated at once, each by one task, with the instruments of the local run."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from swaram.cluster.connection import on_every_node
from swaram.cluster.errors import ClusterError
from swaram.cluster.storage import check_rights, read_from, url_of


@dataclass(frozen=True)
class Asked:
    """What is evaluated: as the options of ``swaram evaluate`` name it."""

    voice: str
    data: str
    split: str
    judge: str | None
    facts: str | None
    language: str | None
    speakers: tuple[str, ...]
    scales: tuple[float | None, float | None, float | None]
    limit: int | None
    seed: int


def evaluate_one(asked: Asked, say: Callable[[str], None] = print) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Evaluate one: its ``metrics.json`` as data, and the files of its report by name. Raises SwaramError."""
    from swaram.evaluation.instruments import Instruments
    from swaram.evaluation.report import write_report
    from swaram.evaluation.run import Settings, evaluate
    from swaram.evaluation.system import Scales, open_subject
    from swaram.evaluation.test_set import read_test_set

    facts = Path(asked.facts) if asked.facts else None
    settings = Settings(seed=asked.seed, limit=asked.limit, speakers=asked.speakers)
    with read_from(Path(asked.voice)) as voice, read_from(Path(asked.data)) as data:
        # A name of a voice is no path, and must stay what it is.
        named = str(voice) if url_of(asked.voice) else asked.voice
        subject = open_subject(named, facts, Scales(*asked.scales), asked.seed, say, asked.language)
        test_set = read_test_set(data, subject.language, asked.split)
        found = evaluate(subject, test_set, Instruments(subject.language, asked.judge), settings, say)
        with tempfile.TemporaryDirectory() as place:
            write_report(Path(place), found)
            files = {file.name: file.read_bytes() for file in Path(place).iterdir()}
    return found.metrics, files


def evaluate_many(ray: ModuleType, asked: Sequence[Asked]) -> list[tuple[dict[str, Any], dict[str, bytes]]]:
    """``evaluate_one`` of each, at once, in the order given. Raises SwaramError, before work where a node lacks one."""
    for path in dict.fromkeys([one.data for one in asked] + [one.voice for one in asked]):
        if url_of(path):
            check_rights(str(url_of(path)), write=False)
            on_every_node(ray, check_rights, url_of(path), False)
    local = [one.voice for one in asked if not url_of(one.voice)]
    on_every_node(ray, find_here, local, [one.data for one in asked[:1] if not url_of(one.data)])
    task = ray.remote(num_cpus=1, max_retries=2)(_quietly)
    waiting = [task.remote(one) for one in asked]
    try:
        return [ray.get(answer) for answer in waiting]
    except ray.exceptions.RayTaskError as error:
        raise error.cause if isinstance(error.cause, Exception) else ClusterError(str(error)) from None


def _quietly(asked: Asked) -> tuple[dict[str, Any], dict[str, bytes]]:
    return evaluate_one(asked, lambda text: None)


def find_here(voices: list[str], folders: list[str]) -> None:
    """Raise ClusterError, VoiceError where this machine has not all of them."""
    from swaram.voice.library import find_package

    for folder in folders:
        if not Path(folder).is_dir():
            raise ClusterError(f"there is no folder {folder} here; name one that every node shares, or a URL.")
    for voice in voices:
        if not Path(voice).is_dir():
            find_package(voice)
