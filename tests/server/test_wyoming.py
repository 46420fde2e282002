"""Wyoming with the client library that Home Assistant uses: speech whole and while it is written, recordings, info."""

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from swaram.audio.flac import to_integers
from swaram.audio.resample import resample
from swaram.recognition.error_rates import error_rate
from swaram.server.run import listen
from swaram.server.settings import ServerSettings
from swaram.voice.engine import Engine
from swaram.voice.request import SpeechRequest
from swaram.voice.voice import Voice
from tests.conftest import SHIPPED
from tests.recorded_speech import spoken_clips
from tests.server.speech_client import TEXT

pytest.importorskip("wyoming", reason="the package wyoming is not installed")

from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncClient
from wyoming.error import Error
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong
from wyoming.tts import (
    Synthesize,
    SynthesizeChunk,
    SynthesizeStart,
    SynthesizeStop,
    SynthesizeStopped,
    SynthesizeVoice,
)

from swaram.server.adapters.wyoming import serve_wyoming
from tests.server.wyoming_server import serving

SENTENCES = TEXT.split(". ")


@pytest.fixture(scope="module")
def uri(toy_voices):
    with serving(voices=toy_voices, recognizers=SHIPPED.parent / "recognizers") as uri:
        yield uri


def talk(uri: str, *events, until=(AudioStop, Error)) -> list:
    """Send events, and read until one of these kinds comes or the server hangs up."""

    async def run() -> list:
        heard = []
        async with AsyncClient.from_uri(uri) as client:
            for event in events:
                await client.write_event(event.event())
            while True:
                event = await asyncio.wait_for(client.read_event(), 20)
                if event is None:
                    return heard
                heard.append(event)
                if any(kind.is_type(event.type) for kind in until):
                    return heard

    return asyncio.run(run())


def samples(events: list) -> np.ndarray:
    chunks = [AudioChunk.from_event(event) for event in events if AudioChunk.is_type(event.type)]
    return np.frombuffer(b"".join(chunk.audio for chunk in chunks), "<i2")


def expected(folder: Path, text: str, **options) -> np.ndarray:
    return to_integers(Engine(Voice.open(folder / "toy")).synthesise(SpeechRequest(text, **options)).audio)


def test_home_assistant_reads_what_there_is(uri):
    info = Info.from_event(talk(uri, Describe(), until=(Info,))[-1])
    (program,), (listener,) = info.tts, info.asr
    assert program.supports_synthesize_streaming and program.installed
    voices = {voice.name: voice for voice in program.voices}
    assert voices["toy"].languages == ["ml"] and voices["toy-tamil"].languages == ["ta"]
    assert [speaker.name for speaker in voices["toy"].speakers] == ["speaker-0", "speaker-1"]
    assert [model.languages for model in listener.models] == [["ml"]]


def test_a_text_is_spoken_by_the_speaker_that_is_asked_for(uri, toy_voices):
    heard = talk(uri, Synthesize(TEXT, SynthesizeVoice("toy", speaker="speaker-1")))
    begun = AudioStart.from_event(heard[0])
    assert (begun.rate, begun.width, begun.channels) == (16_000, 2, 1)
    assert np.array_equal(samples(heard), expected(toy_voices, TEXT, speaker="speaker-1"))


@pytest.mark.parametrize(
    ("voice", "rate"),
    [(SynthesizeVoice(language="ta-IN"), 24_000), (SynthesizeVoice("alloy"), 16_000), (None, 16_000)],
)
def test_a_voice_is_found_by_language_and_by_the_names_of_others(uri, voice, rate):
    heard = talk(uri, Synthesize("வணக்கம்" if rate == 24_000 else TEXT, voice))
    assert AudioStart.from_event(heard[0]).rate == rate and len(samples(heard)) > rate / 2


def test_text_is_spoken_while_it_is_written(uri, toy_voices):
    async def run() -> tuple[list, list]:
        async with AsyncClient.from_uri(uri) as client:
            await client.write_event(SynthesizeStart(SynthesizeVoice("toy")).event())
            for piece in (SENTENCES[0][:9], SENTENCES[0][9:] + ". ", "നാളെ "):
                await client.write_event(SynthesizeChunk(piece).event())
            early = []
            while len(early) < 5:  # sound of the first sentence, before the rest is written
                early.append(await asyncio.wait_for(client.read_event(), 20))
            rest = SENTENCES[1].removeprefix("നാളെ ")
            await client.write_event(SynthesizeChunk(rest).event())
            await client.write_event(Synthesize(TEXT, SynthesizeVoice("toy")).event())  # for those that do not stream
            await client.write_event(SynthesizeStop().event())
            late = []
            while not late or not SynthesizeStopped.is_type(late[-1].type):
                late.append(await asyncio.wait_for(client.read_event(), 20))
            return early, late

    early, late = asyncio.run(run())
    assert np.array_equal(samples(early + late), expected(toy_voices, TEXT))
    assert sum(AudioStart.is_type(event.type) for event in early + late) == 1
    assert AudioStop.is_type(late[-2].type)


def test_one_connection_speaks_several_times_and_answers_pings(uri):
    heard = talk(uri, Synthesize("അമ്മ"), Ping("x"), Synthesize("മഴ"), Describe(), until=(Info,))
    assert sum(AudioStop.is_type(event.type) for event in heard) == 2
    assert [Pong.from_event(event).text for event in heard if Pong.is_type(event.type)] == ["x"]


@pytest.mark.parametrize(("rate", "channels"), [(16_000, 1), (44_100, 2)])
def test_a_recording_is_written_down(uri, rate, channels):
    clip = spoken_clips()[1]
    sound = to_integers(resample(clip.audio, clip.rate, rate)).astype("<i2").repeat(channels).tobytes()
    pieces = [sound[i : i + 4096] for i in range(0, len(sound), 4096)]
    chunks = [AudioChunk(rate, 2, channels, piece) for piece in pieces]
    heard = talk(
        uri, Transcribe(language="ml"), AudioStart(rate, 2, channels), *chunks, AudioStop(), until=(Transcript, Error)
    )
    transcript = Transcript.from_event(heard[-1])
    assert error_rate([clip.text], [transcript.text]) < 0.2 and transcript.language == "ml"


@pytest.mark.parametrize(
    ("events", "code", "words"),
    [
        ([Synthesize("😀")], "nothing_to_say", "no words"),
        ([Synthesize(TEXT, SynthesizeVoice("nobody"))], "bad_request", "no such speaker"),
        ([Synthesize(TEXT, SynthesizeVoice(language="hi"))], "bad_request", "Hindi"),
        ([Synthesize("<speak><b/></speak>", text_format="ssml")], "bad_request", "'b' is not followed"),
        ([Synthesize("അ" * 5001)], "text_too_long", "5000"),
        ([Transcribe(language="ta"), AudioStart(16_000, 2, 1), AudioStop()], "no_recognizer", "ml"),
        ([AudioStop()], "bad_audio", "audio-chunk"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_the_end(uri, events, code, words):
    heard = talk(uri, *events, until=())
    error = Error.from_event(heard[-1])
    assert error.code == code and words in error.text and error.text.endswith(".") and "\n" not in error.text


def test_marked_up_text_is_spoken_without_its_tags(uri):
    def sound(*events):
        return b"".join(AudioChunk.from_event(e).audio for e in talk(uri, *events) if AudioChunk.is_type(e.type))

    marked = Synthesize('<sub alias="അമ്മ">Mother</sub>', text_format="ssml")
    assert sound(marked) == sound(Synthesize("അമ്മ")) != b""


def test_a_client_who_leaves_while_it_is_spoken_to_leaves_nothing_behind(toy_voices, caplog):
    with serving(voices=toy_voices) as uri:
        for _ in range(3):
            talk(uri, Synthesize(" ".join([TEXT] * 20)), until=(AudioChunk,))
        assert talk(uri, Synthesize("അമ്മ"))
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_too_long_a_recording_is_refused_while_it_comes(toy_voices):
    package = SHIPPED.parent / "recognizers"
    with serving(voices=toy_voices, recognizers=package, max_transcription_seconds=1.0) as uri:
        chunks = [AudioChunk(16_000, 2, 1, bytes(16_000)) for _ in range(3)]
        heard = talk(uri, AudioStart(16_000, 2, 1), *chunks, until=(Error,))
    assert Error.from_event(heard[-1]).code == "too_long"


def test_the_command_serves_until_it_is_told_to_stop(toy_voices):
    command = [sys.executable, "-m", "swaram", "wyoming", "--port", "0", "--voices", str(toy_voices)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        assert talk(line.split()[-1], Synthesize("അമ്മ"))
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert process.stderr.read() == ""
    finally:
        process.kill()


def test_keys_that_no_client_could_show_are_refused(toy_voices, tmp_path):
    from swaram.errors import SwaramError
    from swaram.server.keys import add_key

    add_key(tmp_path / "keys.json", "a")
    listener = listen("127.0.0.1", 0)
    settings = ServerSettings(voices=toy_voices, keys=tmp_path / "keys.json", workers=1)
    with pytest.raises(SwaramError, match="no key"):
        asyncio.run(serve_wyoming(settings, listener, None, lambda: None))
    listener.close()


def test_home_assistant_finds_the_server_by_itself(toy_voices):
    """Over the loopback network alone: what is announced is what a browser of such services finds."""
    from zeroconf import ServiceBrowser, Zeroconf

    found: list[tuple[str, int]] = []

    class Listener:
        def add_service(self, zeroconf: Zeroconf, kind: str, name: str) -> None:
            info = zeroconf.get_service_info(kind, name)
            found.append((name, info.port))

        update_service = remove_service = lambda *_: None

    browser = Zeroconf(interfaces=["127.0.0.1"])
    try:
        with serving(name="swaram-test", voices=toy_voices) as uri:
            ServiceBrowser(browser, "_wyoming._tcp.local.", Listener())
            deadline = time.monotonic() + 10
            while not found and time.monotonic() < deadline:
                time.sleep(0.05)
    finally:
        browser.close()
    assert found == [("swaram-test._wyoming._tcp.local.", int(uri.rpartition(":")[2]))]
