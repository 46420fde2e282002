"""Preparation's workers on a cluster: tasks that are handed recordings as bytes, in processes that keep their models.

Ray Data is not used: its streaming operators own reading and order, while preparation must hand results to its journal in
the corpus's order, with a second clip of an id refused before it is judged, and go on from any moment; around tasks all
of that stays the code of the local run. Nor are actors: one whose node went away holds its queue until there is a node
again, while a task goes wherever there is a CPU.
"""

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

from swaram.cluster.errors import ClusterError
from swaram.corpora.utterance import Utterance
from swaram.prepare.workers import IN_FLIGHT

RETRIES = 3  # of one recording whose worker ended; then it is taken for what ends workers
_KEPT_FILES = 4  # long recordings, each cut into many pieces, that stay in the object store
_LARGE = 4_000_000  # bytes

_started = ""


class RayPools:
    """Pools over the CPUs of a cluster, one for each task; their workers see no folder of this machine.

    ``asked``: so many at once and no more; 0: as many as there are.
    """

    see_folders = False

    def __init__(self, ray: ModuleType, asked: int = 0) -> None:
        self._ray = ray
        there = int(ray.cluster_resources().get("CPU", 0))
        if there < 1:
            raise ClusterError("the cluster has no CPU to work with; start its nodes with --num-cpus.")
        self.workers = asked or there
        self._most = asked or IN_FLIGHT * there

    def open(self, start: Callable[..., None], *facts: Any) -> Executor:
        """As ``swaram.prepare.workers.Pools``."""
        return RayPool(self._ray, self._most, start, facts)


def _run(pool: str, facts: list[Any], work: Callable[..., Any], content: bytes | None, place: int, *given: Any) -> Any:
    """One task. ``facts``: references to what starts a worker; ``content``: the recording for the argument at
    ``place``, -1 where there is none."""
    global _started
    if _started != pool:
        import ray

        start, *rest = ray.get(facts)
        start(*rest)
        _started = pool
    arguments = list(given)
    if place >= 0:
        one = arguments[place]
        arguments[place] = replace(one, audio=content) if isinstance(one, Utterance) else content
    return work(*arguments)


class RayPool(Executor):
    """An executor whose work is done by tasks. ``submit`` waits while ``most`` of them are under way.

    A task whose process or node ends is done again elsewhere; one that ends ``RETRIES`` + 1 of them raises
    BrokenExecutor.
    """

    def __init__(self, ray: ModuleType, most: int, start: Callable[..., None], facts: tuple[Any, ...]) -> None:
        self._ray, self._most, self._name = ray, most, uuid4().hex
        self._facts = [ray.put(fact) for fact in (start, *facts)]
        self._task = ray.remote(num_cpus=1, max_retries=RETRIES)(_run)
        self._busy: set[Future[Any]] = set()
        self._files: OrderedDict[tuple[Path, int, int], Any] = OrderedDict()

    def submit(self, work: Callable[..., Any], /, *facts: Any, **more: Any) -> Future[Any]:
        """As ``Executor``; a path, or the path of an utterance's audio, goes as the bytes of its file."""
        assert not more
        while len(self._busy) >= self._most:
            wait(set(self._busy), timeout=1.0, return_when=FIRST_COMPLETED)
        arguments = list(facts)
        content, place = None, -1
        for number, one in enumerate(arguments):
            path = one.audio if isinstance(one, Utterance) else one
            if isinstance(path, Path) and path.is_file():
                content, place = self._content(path), number
                arguments[number] = replace(one, audio=None) if isinstance(one, Utterance) else None
        future: Future[Any] = Future()
        self._busy.add(future)

        def settle(done: Future[Any]) -> None:
            fault = done.exception()
            if future.set_running_or_notify_cancel():
                if fault is None:
                    future.set_result(done.result())
                else:
                    future.set_exception(self._cause(fault))
            self._busy.discard(future)

        self._task.remote(self._name, self._facts, work, content, place, *arguments).future().add_done_callback(settle)
        return future

    def _content(self, path: Path) -> Any:
        """The file's bytes; of a large one a reference, which the many pieces of a recording share."""
        found = path.stat()
        if found.st_size < _LARGE:
            return path.read_bytes()
        key = (path, found.st_size, found.st_mtime_ns)
        if key not in self._files:
            self._files[key] = self._ray.put(path.read_bytes())
            while len(self._files) > _KEPT_FILES:
                self._files.popitem(last=False)
        self._files.move_to_end(key)
        return self._files[key]

    def _cause(self, fault: BaseException) -> BaseException:
        """What the work raised; BrokenExecutor where its process ended too often."""
        if isinstance(fault, self._ray.exceptions.RayTaskError):
            return fault.cause if isinstance(fault.cause, Exception) else fault
        if isinstance(fault, self._ray.exceptions.RayError):
            return BrokenExecutor((str(fault).splitlines() or [type(fault).__name__])[0])
        return fault

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let go; tasks that nobody waits for are left to end."""
        self._facts, self._files = [], OrderedDict()
