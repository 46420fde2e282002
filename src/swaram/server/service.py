"""The service: the voices that are open, the scheduler, who may still begin, and memory that goes back."""

import asyncio
import ctypes
import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from swaram import __version__
from swaram.audio.encoders import check_format, rate_of
from swaram.audio.flac import BLOCK_SAMPLES
from swaram.errors import SwaramError
from swaram.languages import get_language
from swaram.server.admission import Admission
from swaram.server.keys import KeyRing
from swaram.server.metrics import Metrics
from swaram.server.protocol import FEATURES, PROTOCOL_VERSION, RequestError, Start, about
from swaram.server.scheduler import Scheduler, StepReport
from swaram.server.settings import ServerSettings
from swaram.server.speech_job import SpeechJob
from swaram.server.telemetry import open_telemetry
from swaram.server.tokens import Tokens
from swaram.server.voice_watch import VoiceWatch
from swaram.text.lexicon import Lexicon
from swaram.voice.engine import Engine
from swaram.voice.library import open_engines
from swaram.voice.request import SpeechRequest

logger = logging.getLogger("swaram.server")

_TRIM_SECONDS = 60.0


def find_trim() -> Callable[[int], int] | None:
    """glibc's ``malloc_trim``, or None where the C library is another one."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None


def give_memory_back(stopped: threading.Event, every: float = _TRIM_SECONDS) -> None:
    """Begin to give free memory back every so many seconds, in a thread of its own, until ``stopped`` is set."""
    trim = find_trim()
    if trim is None:
        return

    def work() -> None:
        while not stopped.wait(every):
            trim(0)

    threading.Thread(target=work, name="memory", daemon=True).start()


class Session(Protocol):
    """A WebSocket being served, as the service sees it."""

    async def go_away(self, seconds: float) -> None:
        """Tell the client that the server will be gone in so many seconds."""


class Service:
    """Everything that the endpoints share. Raises VoiceError when there is no voice to serve."""

    def __init__(self, settings: ServerSettings) -> None:
        self.settings = settings
        self.telemetry = open_telemetry()
        self.lexicons = [Lexicon.read(settings.lexicon)] if settings.lexicon else []
        self.engines = open_engines(settings.voices, self.lexicons)
        self.metrics = Metrics()
        secret = settings.token_secret
        self.keys = KeyRing.read(settings.keys, Tokens(secret.get_secret_value() if secret else None))
        self.admission = Admission(settings, self.metrics)
        self.admission.measure(max(engine.real_time_factor for engine in self.engines.values()), 1.0)
        self.scheduler = Scheduler(settings.workers, self._report)
        self._closed = threading.Event()
        give_memory_back(self._closed)
        self.sessions: set[Session] = set()
        for name, engine in self.engines.items():
            self.metrics.add_voice(name, engine.voice.package.sha256)

    async def watch_voices(self) -> None:
        """Serve what the folder of voices holds from now on, until cancelled."""
        seconds, folder = self.settings.watch_seconds, self.settings.voices
        if seconds:
            await VoiceWatch(self.engines, self.metrics, folder, seconds, self.lexicons).run()

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
        self.scheduler.close()
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

    def record(self, job: SpeechJob, outcome: str, seconds: float) -> None:
        """Count a request that has ended, and write it to the log: everything but its text."""
        metrics, voice = self.metrics, job.voice
        metrics.duration.labels(voice, outcome).observe(seconds)
        metrics.characters.labels(voice).inc(job.characters)
        metrics.audio.labels(voice).inc(job.seconds_sent)
        metrics.output.labels(job.format).inc(job.bytes_sent)
        if job.first_audio is not None:
            metrics.first_audio.labels(voice).observe(job.first_audio)
        if job.seconds_sent:
            metrics.factor.labels(voice).observe(job.computing / job.seconds_sent)
        if outcome in ("cancelled", "disconnected"):
            metrics.cancelled.labels(outcome).inc()
        facts = {
            "request": job.request_id,
            "voice": voice,
            "outcome": outcome,
            "characters": job.characters,
            "speech_seconds": round(job.seconds_sent, 3),
            "first_audio_seconds": round(job.first_audio or 0.0, 4),
            "computing_seconds": round(job.computing, 4),
            "seconds": round(seconds, 3),
        }
        logger.info("speech", extra={"facts": facts})
        if self.telemetry is not None:
            self.telemetry.trace("speech", facts | {"format": job.format}, seconds, failed=outcome == "failed")

    def _report(self, step: StepReport) -> None:
        self.metrics.stage.labels(step.stage).observe(step.seconds)
        self.metrics.wait.labels(step.stage).observe(step.wait)
        self.metrics.queue.set(self.scheduler.waiting)
        self.admission.measure_step(step.stage, step.seconds)

    def begin(self, request_id: str, start: Start) -> tuple[SpeechJob, dict[str, Any]]:
        """A request made ready, and its ``started`` message. Raises SwaramError when it cannot be served."""
        with about("voice"):
            name = self.voice_name(start.voice, start.language)
        engine = self.engines[name]
        voice = engine.voice
        request = SpeechRequest(
            speaker=start.speaker,
            language=start.language,
            style=start.style,
            speed=start.speed,
            pitch=start.pitch,
            seed=start.seed,
            pause_scale=start.pause_scale,
            ssml=start.ssml,
            lexicon=start.lexicon,
        )
        # What the voice cannot do is refused before anything is made.
        with about("format"):
            check_format(start.format, start.bits)
        with about("sample_rate"):
            rate = rate_of(start.format, voice.sample_rate, start.sample_rate)
        with about("language"):
            language = voice.find_language(start.language)
        with about("speaker"):
            speaker = voice.find_speaker(start.speaker)
        with about("style"):
            style = voice.find_style(start.style)
        with about("pitch"):
            voice.pitch_factor(start.pitch)
        controls = {
            "voice": name,
            "speaker": speaker.name if speaker else None,
            "language": language,
            "style": voice.manifest.styles[style] if voice.manifest.styles else None,
            "speed": start.speed,
            "pitch": start.pitch,
            "seed": start.seed,
            "pause_scale": start.pause_scale,
        }
        started = {
            "type": "started",
            "request_id": request_id,
            "voice": name,
            "speaker": controls["speaker"],
            "language": language,
            "format": start.format,
            "sample_rate": rate,
            "channels": 1,
            "bits": start.bits,
            "block_samples": BLOCK_SAMPLES,
        }
        synthesis = engine.begin(request, start.marks)
        shared = (self.scheduler, self.settings, self.metrics, self.admission)
        job = SpeechJob(request_id, name, start, synthesis, voice.sample_rate, *shared, rate, controls)
        return job, started

    def voice_name(self, name: str | None, language: str | None) -> str:
        """The voice of that name, by default the first one that reads the language. Raises RequestError."""
        if not self.engines:
            raise RequestError("unknown_voice", "The server has no voice at the moment; try again later.", 5.0)
        if not name:
            reads = [name for name, engine in self.engines.items() if language and _reads(engine, language)]
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
            "features": list(FEATURES),
            "voices": list(self.engines),
            "limits": {
                "message_bytes": settings.max_message_bytes,
                "message_characters": settings.max_message_characters,
                "request_characters": settings.max_request_characters,
                "queued_requests": settings.max_queued_requests,
                "contexts": settings.max_contexts,
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


def _reads(engine: Engine, language: str) -> bool:
    """Whether a voice reads the language of a tag or name."""
    try:
        return bool(engine.voice.find_language(language))
    except SwaramError:
        return False
