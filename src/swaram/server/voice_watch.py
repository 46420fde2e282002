"""The folder of voices, watched: what is put there speaks, what is taken away goes, and running streams go on."""

import asyncio
import logging
from collections.abc import Iterable
from pathlib import Path

from swaram.errors import SwaramError
from swaram.search_path import places
from swaram.server.metrics import Metrics
from swaram.text.lexicon import Lexicon
from swaram.voice.engine import Engine
from swaram.voice.library import known_packages, open_engine

logger = logging.getLogger("swaram.server")

_Fingerprint = tuple[tuple[str, int, int], ...]


class VoiceWatch:
    """Looks at the folder every ``seconds`` and changes ``engines`` to what lies there.

    A voice is opened once its files have stayed the same from one look to the next, and dropped once it was missing
    in two: copies in progress are left alone. A stream that runs keeps the engine it began with. ``engines`` is
    changed on the event loop only.
    """

    def __init__(
        self,
        engines: dict[str, Engine],
        metrics: Metrics,
        folder: Path | None,
        seconds: float,
        lexicons: Iterable[Lexicon] = (),
    ) -> None:
        self._lexicons = tuple(lexicons)
        self._engines, self._metrics = engines, metrics
        self._folder, self._seconds = folder, seconds
        # A folder that is there now and away later is no empty one; what never was there is not waited for.
        named = [place.folder for place in places("voices", folder) if place.told_by in ("given", "SWARAM_VOICES")]
        self._homes = [home for home in named if home.exists()]
        self._served = {name: files for name, (_, files) in _look(folder, self._homes).items() if name in engines}
        self._seen: dict[str, _Fingerprint | None] = {}
        self._refused: dict[str, _Fingerprint] = {}

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(self._seconds)
            try:
                await self.look()
            except OSError as error:
                logger.warning("the folder of voices cannot be read: %s", error.strerror)

    async def look(self) -> None:
        """Look once. Raises OSError where the folder cannot be read, and then leaves everything as it is."""
        found = await asyncio.to_thread(_look, self._folder, self._homes)
        for name in [name for name in self._engines if name not in found]:
            if self._settled(name, None):
                self._drop(name)
        for name, (path, files) in found.items():
            if files in (self._served.get(name), self._refused.get(name)):
                self._seen.pop(name, None)
            elif self._settled(name, files):
                await self._take(name, path, files)

    def _settled(self, name: str, files: _Fingerprint | None) -> bool:
        """Whether the last look saw the same; what is settled is forgotten."""
        if name in self._seen and self._seen[name] == files:
            del self._seen[name]
            return True
        self._seen[name] = files
        return False

    async def _take(self, name: str, path: Path, files: _Fingerprint) -> None:
        try:
            engine = await asyncio.to_thread(open_engine, path, name, self._lexicons)
        except SwaramError as error:
            self._refused[name] = files
            logger.warning("a voice is not served: %s", error)
            return
        self._forget(name)
        self._engines[name] = engine
        self._served[name] = files
        self._metrics.add_voice(name, engine.voice.package.sha256)
        logger.info("the voice %s is served now", name)

    def _drop(self, name: str) -> None:
        self._forget(name)
        del self._engines[name]
        logger.info("the voice %s is no longer served", name)

    def _forget(self, name: str) -> None:
        self._served.pop(name, None)
        self._refused.pop(name, None)
        if name in self._engines:
            self._metrics.remove_voice(name, self._engines[name].voice.package.sha256)


def _look(folder: Path | None, homes: list[Path]) -> dict[str, tuple[Path, _Fingerprint]]:
    """Every package by name: where it is, and names, sizes and times of its files."""
    for home in homes:
        home.stat()
    found = {}
    for name, package in known_packages(folder).items():
        path = package.path
        try:
            files = sorted(path.rglob("*")) if path.is_dir() else [path]
            states = [(str(file.relative_to(path.parent)), file.stat()) for file in files]
            found[name] = (path, tuple((file, state.st_size, state.st_mtime_ns) for file, state in states))
        except OSError:  # removed while it was looked at
            continue
    return found
