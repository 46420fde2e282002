"""Wyoming, the protocol of Home Assistant's voice services: text to speech and speech to text over TCP.

Text may come whole (``synthesize``) or while it is written (``synthesize-start``, ``-chunk``, ``-stop``). Needs the
package ``wyoming``, of the extra ``[wyoming]``.
"""

import asyncio
import io
import json
import logging
import secrets
import signal
import socket
import wave
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event, Eventable, async_read_event
from wyoming.info import AsrModel, AsrProgram, Attribution, Describe, Info, TtsProgram, TtsVoice, TtsVoiceSpeaker
from wyoming.ping import Ping, Pong
from wyoming.server import AsyncEventHandler
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeStopped,
    SynthesizeTextFormat,
    SynthesizeVoice,
)

from swaram import __version__
from swaram.errors import SwaramError
from swaram.languages import LANGUAGES
from swaram.server.adapters.session import look_at_fault
from swaram.server.errors import HttpError
from swaram.server.listening import Listeners
from swaram.server.logs import describe_fault
from swaram.server.names import find_speaker
from swaram.server.protocol import RequestError, Start
from swaram.server.service import Service
from swaram.server.settings import ServerSettings
from swaram.server.speaking import Speaking

logger = logging.getLogger("swaram.server")

_MADE_BY = Attribution("swaram", "https://pypi.org/project/swaram")


_EVENTS: tuple[Any, ...] = (
    Describe, Ping, Synthesize, SynthesizeStart, SynthesizeChunk, SynthesizeStop, Transcribe, AudioStart, AudioChunk,
    AudioStop,
)  # fmt: skip


class _NoEvent(Exception):
    """Bytes that are no event."""


class _BoundedReader:
    """A reader that takes no larger part of an event, and waits no longer for one, than it should."""

    def __init__(self, reader: asyncio.StreamReader, limit: int, patience: float) -> None:
        self._reader, self._limit, self._patience = reader, limit, patience

    async def readline(self) -> bytes:
        """The line that an event begins with; an empty one at the end."""
        try:
            async with asyncio.timeout(self._patience):
                line = await self._reader.readline()
            if line and not isinstance(json.loads(line), dict):
                raise _NoEvent
        except (ValueError, RecursionError):  # too long, not UTF-8 or not JSON
            raise _NoEvent from None
        return line

    async def readexactly(self, size: int) -> bytes:
        """So many bytes."""
        if not isinstance(size, int) or not 0 <= size <= self._limit:
            raise _NoEvent
        async with asyncio.timeout(self._patience):
            return await self._reader.readexactly(size)

    def feed_eof(self) -> None:
        """Let whoever reads find the end."""
        self._reader.feed_eof()


def _read(event: Event) -> object:
    """What an event says; None for one without meaning here. Raises RequestError where it lacks what it must have."""
    kind = next((kind for kind in _EVENTS if kind.is_type(event.type)), None)
    wrong = RequestError("bad_message", f"The event {str(event.type)[:40]!r} lacks what belongs in it.")
    try:
        asked = kind.from_event(event) if kind is not None else None
    except (KeyError, TypeError, ValueError, AttributeError):
        raise wrong from None
    voice = getattr(asked, "voice", None)
    texts = [getattr(asked, "language", None), *(vars(voice).values() if voice else ())]
    numbers = [getattr(asked, name, 0) for name in ("rate", "width", "channels")]
    if not isinstance(getattr(asked, "text", None), str | None) or not isinstance(getattr(asked, "audio", b""), bytes):
        raise wrong
    if not all(isinstance(text, str | None) for text in texts) or not all(type(number) is int for number in numbers):
        raise wrong
    if isinstance(asked, Synthesize | SynthesizeChunk) and asked.text is None:
        raise wrong
    return asked


class WyomingSession(AsyncEventHandler):
    """One connection: what is said is spoken while more comes, and recordings are written down."""

    def __init__(
        self, service: Service, listeners: Listeners, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        settings = service.settings
        bounded: Any = _BoundedReader(reader, settings.max_convert_message_bytes, settings.session_timeout)
        super().__init__(bounded, writer)
        self._service, self._listeners = service, listeners
        self._speaking: Speaking | None = None
        self._sending: asyncio.Task[None] | None = None
        self._id = secrets.token_hex(16)
        self._streams = False
        self._language: str | None = None
        self._recording = bytearray()
        self._form = (0, 0, 0)

    async def handle_event(self, event: Event) -> bool:
        """Do what one event asks; False ends the connection."""
        try:
            await self._handle(_read(event))
        except (SwaramError, HttpError) as error:
            await self._refuse(error)
            return False
        return True

    async def _handle(self, asked: object) -> None:
        match asked:
            case Describe():
                await self._write(describe(self._service, self._listeners))
            case Ping():
                await self._write(Pong(text=asked.text))
            case Synthesize() if not self._streams:  # in a stream the text is repeated for servers that do not stream
                await self._begin(asked.voice, asked.text_format, asked.text)
                await self._sent()
            case SynthesizeStart():
                await self._begin(asked.voice, asked.text_format, None)
                self._streams = True
            case SynthesizeChunk() if self._speaking is not None:
                self._speaking.push(asked.text)
            case SynthesizeStop() if self._speaking is not None:
                self._speaking.push(end=True)
                await self._sent()
                self._streams = False
                await self._write(SynthesizeStopped())
            case Transcribe():
                self._language = asked.language
            case AudioStart():
                self._recording.clear()
            case AudioChunk():
                self._hear(asked)
            case AudioStop():
                await self._transcribe()

    async def disconnect(self) -> None:
        """Give up what is still being spoken."""
        if self._speaking is not None:
            self._speaking.close()
        if self._sending is not None:
            self._sending.cancel()

    async def _begin(self, voice: SynthesizeVoice | None, text_format: object, text: str | None) -> None:
        await self._sent()
        forms = {None: None, SynthesizeTextFormat.TEXT: False, SynthesizeTextFormat.SSML: True}
        if text_format not in forms:
            raise RequestError("bad_request", "The text_format must be text or ssml.")
        name, language = (voice.name, voice.language) if voice else (None, None)
        known = voice is not None and name in self._service.engines
        named, speaker = find_speaker(
            self._service, voice.speaker if voice and known else name, name if known else None, language
        )
        start = Start(
            type="start",
            ssml=forms[text_format],  # type: ignore[index]
            voice=named,
            speaker=speaker,
            language=language,
            format="pcm",
            marks="none",
            pace=False,
            text=text,
        )
        self._speaking = Speaking(self._service, self._service.keys.everybody, start, self._id)
        self._sending = asyncio.create_task(self._send(self._speaking))
        self._sending.add_done_callback(look_at_fault)

    async def _send(self, speaking: Speaking) -> None:
        rate = speaking.started["sample_rate"]
        begun = False
        async for message in speaking.messages():
            if isinstance(message, bytes):
                if not begun:
                    await self._write(AudioStart(rate, 2, 1))
                    begun = True
                await self._write(AudioChunk(rate, 2, 1, message))
        await self._write(AudioStop())

    async def _sent(self) -> None:
        """Wait until all that was asked for is spoken. Raises SwaramError where it could not be."""
        sending, self._sending = self._sending, None
        if sending is not None:
            await sending
        self._speaking = None

    def _hear(self, chunk: AudioChunk) -> None:
        self._form = (chunk.channels, chunk.width, chunk.rate)
        self._recording += chunk.audio
        settings = self._service.settings
        longest = settings.max_transcription_seconds * max(1, chunk.channels * chunk.width * chunk.rate)
        if len(self._recording) > min(settings.max_transcription_bytes, longest):
            raise RequestError("too_long", "The recording is longer than this server writes down; send it in parts.")

    async def _transcribe(self) -> None:
        sound, self._recording = bytes(self._recording), bytearray()
        code = self._listeners.choose(self._language)
        file = io.BytesIO()
        try:
            with wave.open(file, "wb") as written:
                channels, width, rate = self._form
                written.setnchannels(channels)
                written.setsampwidth(width)
                written.setframerate(rate)
                written.writeframes(sound)
        except wave.Error:
            raise RequestError("bad_audio", "The recording has no rate, width or channels; send audio-chunk.") from None
        file.seek(0)
        leave = self._listeners.take_place()
        try:
            heard, _ = await self._listeners.transcribe(code, file)
        finally:
            leave()
        self._service.metrics.transcribed.labels("done").inc()
        await self._write(Transcript(heard.text, language=code))

    async def _refuse(self, error: SwaramError | HttpError) -> None:
        code = getattr(error, "code", "bad_request")
        self._service.metrics.errors.labels(code).inc()
        with suppress(ConnectionError):
            await self._write(Error(str(error), code))

    async def _write(self, event: Eventable) -> None:
        async with asyncio.timeout(self._service.settings.stall_timeout):
            await self.write_event(event.event())

    async def run(self) -> None:
        """Serve until the client leaves."""
        try:
            while (event := await self._next()) is not None:
                if not await self.handle_event(event):
                    break
        except (ConnectionError, TimeoutError, asyncio.IncompleteReadError):
            pass
        except _NoEvent:
            await self._refuse(RequestError("bad_message", "What was sent is no event of Wyoming."))
        except Exception as error:
            logger.error("wyoming: internal error: %s", describe_fault(error))
        finally:
            await self.disconnect()
            self.writer.close()

    async def _next(self) -> Event | None:
        try:
            return await async_read_event(self.reader)
        except (KeyError, TypeError, AttributeError):  # a header whose keys are missing or of another type
            raise _NoEvent from None


def describe(service: Service, listeners: Listeners) -> Info:
    """What this server can do, as Home Assistant reads it."""
    voices = []
    for name, engine in service.engines.items():
        manifest = engine.voice.manifest
        speakers = [TtsVoiceSpeaker(speaker.name) for speaker in manifest.speakers] or None
        voices.append(
            TtsVoice(name, _MADE_BY, True, manifest.name, __version__, list(engine.voice.languages), speakers)
        )
    models = [
        AsrModel(f"swaram-{code}", _MADE_BY, True, LANGUAGES[code].name, __version__, [code])
        for code in listeners.languages
    ]
    spoken = "Speech for the languages of India."
    return Info(
        tts=[TtsProgram("swaram", _MADE_BY, True, spoken, __version__, voices, supports_synthesize_streaming=True)],
        asr=[AsrProgram("swaram", _MADE_BY, True, spoken, __version__, models)] if models else [],
    )


async def serve_wyoming(
    settings: ServerSettings, listener: socket.socket, zeroconf: str | None, on_start: Callable[[], None]
) -> None:
    """Serve on a listening socket until SIGINT or SIGTERM. Raises VoiceError when there is no voice.

    ``zeroconf``: the name under which Home Assistant finds this server by itself, or None.
    """
    if settings.keys is not None:
        raise RequestError("bad_request", "Clients of Wyoming show no key; leave the setting keys out here.")
    service = Service(settings)
    listeners = Listeners(service)
    sessions: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(sessions) >= settings.max_connections:
            writer.close()
            return
        task = asyncio.ensure_future(WyomingSession(service, listeners, reader, writer).run())
        sessions.add(task)
        task.add_done_callback(sessions.discard)

    server = await asyncio.start_server(serve, sock=listener)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError, ValueError, RuntimeError):  # not the main thread, or another system
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    watching = asyncio.create_task(service.watch_voices())
    found = await _announce(zeroconf, listener) if zeroconf else None
    on_start()
    try:
        await stop.wait()
    finally:
        watching.cancel()
        server.close()
        for task in sessions:
            task.cancel()
        await asyncio.gather(watching, *sessions, return_exceptions=True)
        if found is not None:
            await found()
        listeners.close()
        service.close()


async def _announce(name: str, listener: socket.socket) -> Callable[[], Awaitable[None]]:
    """Let Home Assistant find this server by multicast DNS; return what ends that."""
    import ifaddr  # comes with zeroconf
    from zeroconf import InterfaceChoice
    from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

    host, port = listener.getsockname()[:2]
    everywhere = host in ("0.0.0.0", "::")
    every = [str(ip.ip) for adapter in ifaddr.get_adapters() for ip in adapter.ips if ip.is_IPv4]
    addresses = [address for address in every if not address.startswith("127.")] if everywhere else [host]
    announcer = AsyncZeroconf(interfaces=InterfaceChoice.All if everywhere else [host])
    info = AsyncServiceInfo(
        "_wyoming._tcp.local.",
        f"{name}._wyoming._tcp.local.",
        port,
        parsed_addresses=addresses,
        server=f"{name}.local.",
    )
    await announcer.async_register_service(info)
    return announcer.async_close
