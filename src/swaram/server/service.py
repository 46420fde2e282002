"""The service: the voices that are open, the scheduler, and who may still begin."""

import asyncio
import logging
import threading
import time
from typing import Any, Protocol

from swaram import __version__
from swaram.audio.encoders import check_format
from swaram.audio.flac import BLOCK_SAMPLES
from swaram.languages import get_language
from swaram.server.admission import Admission
from swaram.server.keys import KeyRing
from swaram.server.metrics import Metrics
from swaram.server.process_workers import ProcessWorkers
from swaram.server.protocol import PROTOCOL_VERSION, RequestError, Start
from swaram.server.scheduler import Scheduler, StepReport
from swaram.server.settings import ServerSettings
from swaram.server.speech_job import Speaking
from swaram.server.telemetry import open_telemetry
from swaram.server.voice_watch import VoiceWatch
from swaram.server.workers import ThreadWorkers, Workers, give_back
from swaram.voice.engine import Engine
from swaram.voice.library import open_voices
from swaram.voice.request import SpeechRequest
from swaram.voice.synthesis import StreamFormat

logger = logging.getLogger("swaram.server")


class Session(Protocol):
    """A WebSocket being served, as the service sees it."""

    async def go_away(self, seconds: float) -> None:
        """Tell the client that the server will be gone in so many seconds."""


class Service:
    """Everything that the endpoints share. Raises VoiceError when there is no voice to serve."""

    def __init__(self, settings: ServerSettings) -> None:
        self.settings = settings
        self.telemetry = open_telemetry()
        self.engines = {name: Engine(voice) for name, voice in open_voices(settings.voices).items()}
        costs = [engine.warm_up() for engine in self.engines.values()]
        self.metrics = Metrics()
        self.keys = KeyRing.read(settings.keys)
        self.admission = Admission(settings, self.metrics)
        self.admission.measure(max(costs), 1.0)
        self.workers: Workers
        if settings.worker_kind == "process":
            restarted = self.metrics.restarts.inc
            self.workers = ProcessWorkers(settings.workers, settings.voices, self._report, restarted)
        else:
            self.workers = ThreadWorkers(self.engines, Scheduler(settings.workers, self._report))
        self._closed = threading.Event()
        give_back(self._closed)
        self.sessions: set[Session] = set()
        for name, engine in self.engines.items():
            self.metrics.add_voice(name, engine.voice.package.sha256)

    async def watch_voices(self) -> None:
        """Serve what the folder of voices holds from now on, until cancelled."""
        seconds, folder = self.settings.watch_seconds, self.settings.voices
        if seconds:
            await VoiceWatch(self.engines, self.workers, self.metrics, folder, seconds).run()

    @property
    def streams(self) -> int:
        """Clients being spoken to."""
        return self.admission.streams

    @property
    def connections(self) -> int:
        """Open WebSockets."""
        return len(self.sessions)

    def close(self) -> None:
        """Stop the workers."""
        self._closed.set()
        self.workers.close()
        if self.telemetry is not None:
            self.telemetry.close()

    async def drain(self) -> None:
        """Let no one begin, tell everybody, and wait until the last stream ends or ``drain_timeout`` is over."""
        self.admission.draining = True
        for session in list(self.sessions):
            await session.go_away(self.settings.drain_timeout)
        deadline = time.monotonic() + self.settings.drain_timeout
        while self.streams and time.monotonic() < deadline:
            await asyncio.sleep(0.05)

    def record(self, speaking: Speaking, outcome: str, seconds: float) -> None:
        """Count a request that has ended, and write it to the log: everything but its text."""
        metrics, voice = self.metrics, speaking.voice
        metrics.duration.labels(voice, outcome).observe(seconds)
        metrics.characters.labels(voice).inc(speaking.characters)
        metrics.audio.labels(voice).inc(speaking.seconds_sent)
        metrics.output.labels(speaking.format).inc(speaking.bytes_sent)
        if speaking.first_audio is not None:
            metrics.first_audio.labels(voice).observe(speaking.first_audio)
        if speaking.seconds_sent:
            metrics.factor.labels(voice).observe(speaking.computing / speaking.seconds_sent)
        if outcome in ("cancelled", "disconnected"):
            metrics.cancelled.labels(outcome).inc()
        facts = {
            "request": speaking.request_id,
            "voice": voice,
            "outcome": outcome,
            "characters": speaking.characters,
            "speech_seconds": round(speaking.seconds_sent, 3),
            "first_audio_seconds": round(speaking.first_audio or 0.0, 4),
            "computing_seconds": round(speaking.computing, 4),
            "seconds": round(seconds, 3),
        }
        logger.info("speech", extra={"facts": facts})
        if self.telemetry is not None:
            self.telemetry.trace("speech", facts | {"format": speaking.format}, seconds, failed=outcome == "failed")

    def _report(self, step: StepReport) -> None:
        self.metrics.stage.labels(step.stage).observe(step.seconds)
        self.metrics.wait.labels(step.stage).observe(step.wait)
        self.metrics.queue.set(self.workers.waiting)
        self.admission.measure_step(step.stage, step.seconds)

    def begin(self, request_id: str, start: Start) -> tuple[Speaking, dict[str, Any]]:
        """A request made ready, and its ``started`` message. Raises SwaramError when it cannot be served."""
        name = self._voice_name(start.voice, start.language)
        engine = self.engines[name]
        request = SpeechRequest(
            speaker=start.speaker,
            language=start.language,
            style=start.style,
            speed=start.speed,
            seed=start.seed,
            pause_scale=start.pause_scale,
        )
        check_format(start.format, start.bits)
        language = engine.voice.find_language(start.language)
        speaker = engine.voice.find_speaker(start.speaker)
        engine.voice.find_style(start.style)  # an unknown one is refused before anything is made
        rate = engine.voice.sample_rate
        started = {
            "type": "started",
            "request_id": request_id,
            "voice": name,
            "speaker": speaker.name if speaker else None,
            "language": language,
            "format": start.format,
            "sample_rate": rate,
            "channels": 1,
            "bits": start.bits,
            "block_samples": BLOCK_SAMPLES,
        }
        steps = self.workers.open(name, request, StreamFormat(start.format, start.bits, start.marks))
        speaking = Speaking(request_id, name, start, steps, rate, self.settings, self.metrics, self.admission)
        return speaking, started

    def _voice_name(self, name: str | None, language: str | None) -> str:
        if not self.engines:
            raise RequestError("unknown_voice", "The server has no voice at the moment; try again later.", 5.0)
        if not name:
            reads = [name for name, engine in self.engines.items() if language in engine.voice.languages]
            return (reads or list(self.engines))[0]
        if name not in self.engines:
            offered = ", ".join(self.engines)
            raise RequestError("unknown_voice", f"There is no such voice; choose one of {offered}.")
        return name

    def hello(self) -> dict[str, Any]:
        """The first message of ``/v1/speak``."""
        settings = self.settings
        return {
            "type": "hello",
            "protocol": PROTOCOL_VERSION,
            "server": f"swaram {__version__}",
            "voices": list(self.engines),
            "limits": {
                "message_bytes": settings.max_message_bytes,
                "message_characters": settings.max_message_characters,
                "request_characters": settings.max_request_characters,
                "queued_requests": settings.max_queued_requests,
                "idle_seconds": settings.idle_timeout,
                "session_seconds": settings.session_timeout,
                "seconds_ahead": settings.seconds_ahead,
            },
        }

    def describe_voices(self) -> list[dict[str, Any]]:
        """What ``GET /v1/voices`` answers."""
        return [
            {
                "name": name,
                "title": engine.voice.manifest.name,
                "languages": [{"code": code, "name": get_language(code).name} for code in engine.voice.languages],
                "sample_rate": engine.voice.sample_rate,
                "speakers": [speaker.model_dump() for speaker in engine.voice.manifest.speakers],
                "default_speaker": engine.voice.manifest.default_speaker,
                "styles": engine.voice.manifest.styles,
                "licence": engine.voice.manifest.licence,
                "attribution": engine.voice.manifest.attribution,
            }
            for name, engine in self.engines.items()
        ]
