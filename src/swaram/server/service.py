"""The service: the voices that are open, the scheduler, and who may still begin."""

from typing import Any

from swaram import __version__
from swaram.languages import get_language
from swaram.server.messages import PROTOCOL_VERSION, RequestError, Start
from swaram.server.scheduler import Scheduler
from swaram.server.settings import ServerSettings
from swaram.server.speaking import Speaking
from swaram.server.stream import SpeechStream, StreamFormat
from swaram.voice.engine import Engine
from swaram.voice.library import open_voices
from swaram.voice.request import SpeechRequest


class Service:
    """Everything that the endpoints share. Raises VoiceError when there is no voice to serve."""

    def __init__(self, settings: ServerSettings) -> None:
        self.settings = settings
        self.engines = {name: Engine(voice) for name, voice in open_voices(settings.voices).items()}
        for engine in self.engines.values():
            engine.warm_up()
        self.scheduler = Scheduler(settings.workers)
        self.connections = 0
        self.streams = 0

    def close(self) -> None:
        """Stop the workers."""
        self.scheduler.close()

    def begin(self, request_id: str, start: Start) -> tuple[Speaking, dict[str, Any]]:
        """A request made ready, and its ``started`` message. Raises SwaramError when it cannot be served."""
        engine = self._engine(start.voice, start.language)
        request = SpeechRequest(
            speaker=start.speaker,
            language=start.language,
            speed=start.speed,
            seed=start.seed,
            pause_scale=start.pause_scale,
        )
        stream = SpeechStream(engine, request, StreamFormat(start.bits, start.marks))
        speaker = engine.voice.find_speaker(start.speaker)
        rate = engine.voice.sample_rate
        started = {
            "type": "started",
            "request_id": request_id,
            "voice": engine.voice.name,
            "speaker": speaker.name if speaker else None,
            "language": engine.voice.find_language(start.language),
            "format": start.format,
            "sample_rate": rate,
            "channels": 1,
            "bits": start.bits,
            "block_samples": stream.block_samples,
        }
        return Speaking(request_id, start, stream, rate, self.scheduler, self.settings), started

    def _engine(self, name: str | None, language: str | None) -> Engine:
        if not name:
            engines = list(self.engines.values())
            return next((engine for engine in engines if language in engine.voice.languages), engines[0])
        if name not in self.engines:
            offered = ", ".join(self.engines)
            raise RequestError("unknown_voice", f"There is no such voice; choose one of {offered}.")
        return self.engines[name]

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
                "licence": engine.voice.manifest.licence,
                "attribution": engine.voice.manifest.attribution,
            }
            for name, engine in self.engines.items()
        ]
