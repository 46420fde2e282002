"""Preparation's workers on a cluster: tasks that are handed shards of recordings as bytes; their processes keep models.

Ray Data is not used: its streaming operators own reading and order, while preparation must hand results to its journal
in the corpus's order, with a second clip of an id refused before it is judged, and go on from any moment; around tasks
all of that stays the code of the local run. Nor are actors: one whose node went away holds its queue until there is a
node again, while a task goes wherever there is a CPU.
"""

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

from swaram.cluster.errors import ClusterError
from swaram.corpora.utterance import Utterance

RETRIES = 3  # of one recording whose worker ended; then it is taken for what ends workers
SHARD = 8  # calls of a task: what the end of a worker costs at most, and what spares the driver most of Ray's own cost
_KEPT_FILES = 4  # long recordings, each cut into many pieces, that stay in the object store
_LARGE = 4_000_000  # bytes

_started = ""


class RayPools:
    """Pools over the CPUs of a cluster, one for each task; their workers see no folder of this machine.

    ``asked``: so many tasks at once and no more; 0: one for each CPU, and another that waits for it.
    """

    see_folders = False

    def __init__(self, ray: ModuleType, asked: int = 0) -> None:
        self._ray = ray
        there = int(ray.cluster_resources().get("CPU", 0))
        if there < 1:
            raise ClusterError("the cluster has no CPU to work with; start its nodes with --num-cpus.")
        self.in_flight = SHARD * asked or 2 * SHARD * there

    def open(self, start: Callable[..., None], *facts: Any) -> Executor:
        """As ``swaram.prepare.workers.Pools``."""
        return RayPool(self._ray, self.in_flight, start, facts)


@dataclass(frozen=True)
class _Call:
    """One call of a shard. ``content``: the recording for the argument at ``place``, -1 where there is none; ``None``
    where it comes beside the shard."""

    work: Callable[..., Any]
    content: bytes | None
    place: int
    given: tuple[Any, ...]

    def __call__(self, beside: bytes | None) -> Any:
        arguments = list(self.given)
        if self.place >= 0:
            one, content = arguments[self.place], beside if self.content is None else self.content
            arguments[self.place] = replace(one, audio=content) if isinstance(one, Utterance) else content
        return self.work(*arguments)


def _run(pool: str, facts: list[Any], beside: bytes | None, calls: list[_Call]) -> list[tuple[bool, Any]]:
    """One task: of each call whether it ended well, and what it gave or raised. ``facts``: references to what starts a
    worker."""
    global _started
    if _started != pool:
        import ray

        start, *rest = ray.get(facts)
        start(*rest)
        _started = pool
    answers: list[tuple[bool, Any]] = []
    for call in calls:
        try:
            answers.append((True, call(beside)))
        except Exception as error:
            answers.append((False, error))
    return answers


class _Waited(Future[Any]):
    """A future whose shard is sent as soon as somebody waits for it."""

    def __init__(self, pool: "RayPool") -> None:
        super().__init__()
        self._pool = pool

    def result(self, timeout: float | None = None) -> Any:
        """As ``Future``."""
        self._pool.flush()
        return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """As ``Future``."""
        self._pool.flush()
        return super().exception(timeout)


class RayPool(Executor):
    """An executor whose work is done by tasks, a shard of ``SHARD`` calls each.

    ``submit`` waits while ``most`` calls are under way.

    A task whose process or node ends is done again elsewhere; one that ends ``RETRIES`` + 1 of them raises
    BrokenExecutor.
    """

    def __init__(self, ray: ModuleType, most: int, start: Callable[..., None], facts: tuple[Any, ...]) -> None:
        self._ray, self._most, self._name = ray, most, uuid4().hex
        self._facts = [ray.put(fact) for fact in (start, *facts)]
        self._task = ray.remote(num_cpus=1, max_retries=RETRIES)(_run)
        self._busy: set[Future[Any]] = set()
        self._shard: list[tuple[_Call, _Waited]] = []
        self._files: OrderedDict[tuple[Path, int, int], Any] = OrderedDict()

    def submit(self, work: Callable[..., Any], /, *facts: Any, **more: Any) -> Future[Any]:
        """As ``Executor``; a path, or the path of an utterance's audio, goes as the bytes of its file."""
        assert not more
        while len(self._busy) >= self._most:
            self.flush()
            wait(set(self._busy), timeout=1.0, return_when=FIRST_COMPLETED)
        arguments = list(facts)
        content, place, beside = None, -1, None
        for number, one in enumerate(arguments):
            path = one.audio if isinstance(one, Utterance) else one
            if isinstance(path, Path) and path.is_file():
                place = number
                if path.stat().st_size < _LARGE:
                    content = path.read_bytes()
                else:
                    beside = self._large(path)
                arguments[number] = replace(one, audio=None) if isinstance(one, Utterance) else None
        future = _Waited(self)
        self._busy.add(future)
        call = _Call(work, content, place, tuple(arguments))
        if beside is not None:
            self._send([(call, future)], beside)
            return future
        self._shard.append((call, future))
        if len(self._shard) >= min(SHARD, self._most):
            self.flush()
        return future

    def flush(self) -> None:
        """Send what was handed in so far."""
        if self._shard:
            self._send(self._shard, None)
            self._shard = []

    def _send(self, shard: list[tuple[_Call, _Waited]], beside: Any) -> None:
        futures = [future for _, future in shard]

        def settle(done: Future[Any]) -> None:
            fault = done.exception()
            answers = [(False, self._cause(fault))] * len(futures) if fault else done.result()
            for future, (well, given) in zip(futures, answers, strict=True):
                if future.set_running_or_notify_cancel():
                    future.set_result(given) if well else future.set_exception(given)
                self._busy.discard(future)

        task = self._task.remote(self._name, self._facts, beside, [call for call, _ in shard])
        task.future().add_done_callback(settle)

    def _large(self, path: Path) -> Any:
        """A reference to a large file's bytes, which the many pieces of a recording share."""
        found = path.stat()
        key = (path, found.st_size, found.st_mtime_ns)
        if key not in self._files:
            self._files[key] = self._ray.put(path.read_bytes())
            while len(self._files) > _KEPT_FILES:
                self._files.popitem(last=False)
        self._files.move_to_end(key)
        return self._files[key]

    def _cause(self, fault: BaseException) -> BaseException:
        """BrokenExecutor where the task's process ended too often."""
        if isinstance(fault, self._ray.exceptions.RayTaskError):
            return fault.cause if isinstance(fault.cause, Exception) else fault
        return BrokenExecutor((str(fault).splitlines() or [type(fault).__name__])[0])

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let go; tasks that nobody waits for are left to end."""
        self._facts, self._shard, self._files = [], [], OrderedDict()
