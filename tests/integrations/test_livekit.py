"""LiveKit Agents with its real package, and its OpenAI plugin against the OpenAI form. Run by make soak, in an
environment of its own."""

import asyncio
import difflib
import time

import numpy as np
import pytest

from swaram.audio.flac import to_integers
from swaram.voice.request import SpeechRequest
from tests.server.speech_client import TEXT

pytest.importorskip("livekit.agents", reason="LiveKit is run by make soak, in an environment of its own")

from livekit.agents import APIConnectionError, APIError
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT, APIConnectOptions

from swaram.integrations.livekit import TTS

ONCE = APIConnectOptions(max_retry=0, timeout=10)
RAIN = "മഴ പെയ്യുന്നു. അമ്മ വന്നു."
LONG = " ".join([TEXT] * 12)


def sound_of(events) -> np.ndarray:
    return np.concatenate([np.frombuffer(event.frame.data, np.int16) for event in events])


def words_of(events) -> list:
    return [word for event in events for word in event.frame.userdata.get(USERDATA_TIMED_TRANSCRIPT, [])]


@pytest.mark.parametrize("whole", [True, False])
def test_frames_and_word_times_come_out(server, whole):
    async def run():
        async with TTS(url=server.address, voice="toy", speaker="speaker-1", sample_rate=16_000, pace=False) as tts:
            if whole:
                return [event async for event in tts.synthesize(TEXT, conn_options=ONCE)]
            stream = tts.stream(conn_options=ONCE)
            for start in range(0, len(TEXT), 4):
                stream.push_text(TEXT[start : start + 4])
            stream.end_input()
            return [event async for event in stream]

    events = asyncio.run(run())
    expected = to_integers(server.service.engines["toy"].synthesise(SpeechRequest(TEXT, speaker="speaker-1")).audio)
    sound = sound_of(events)
    assert np.array_equal(sound[: len(expected)], expected)
    assert not sound[len(expected) :].any() and len(sound) - len(expected) <= 160  # LiveKit ends a text with 10 ms
    words = words_of(events)
    assert "".join(words) == TEXT
    assert [word.start_time for word in words] == sorted(word.start_time for word in words)
    assert words[-1].end_time <= len(expected) / 16_000
    assert events[-1].is_final


def test_sound_comes_before_the_text_is_complete(server):
    async def run():
        async with TTS(url=server.address, voice="toy") as tts, tts.stream(conn_options=ONCE) as stream:
            stream.push_text("അമ്മ വന്നു. ")
            first = await asyncio.wait_for(anext(stream), 10)
            stream.push_text("മഴ പെയ്തു.")
            stream.end_input()
            return [first, *[event async for event in stream]]

    events = asyncio.run(run())
    assert events[0].frame.sample_rate == 24_000 and "".join(words_of(events)) == "അമ്മ വന്നു. മഴ പെയ്തു."


def test_an_interruption_cancels_on_the_server_and_the_next_utterance_speaks(server):
    async def run():
        async with TTS(url=server.address, voice="toy") as tts:
            async with tts.stream(conn_options=ONCE) as stream:
                stream.push_text(LONG)
                stream.end_input()
                await anext(stream)
            deadline = time.monotonic() + 3
            while server.service.streams and time.monotonic() < deadline:
                await asyncio.sleep(0.01)
            assert server.service.streams == 0
            return [event async for event in tts.synthesize("അമ്മ", conn_options=ONCE)]

    assert len(sound_of(asyncio.run(run()))) > 1000


def test_refusals_and_a_missing_server_are_livekits_errors(server):
    async def run(url, **options):
        async with TTS(url=url, **options) as tts:
            return [event async for event in tts.synthesize(TEXT, conn_options=ONCE)]

    with pytest.raises(APIError, match="no such voice"):
        asyncio.run(run(server.address, voice="nobody"))
    with pytest.raises(APIConnectionError):
        asyncio.run(run("http://127.0.0.1:9"))


@pytest.mark.parametrize("options", [{}, {"response_format": "pcm"}, {"model": "tts-1"}, {"response_format": "aac"}])
def test_livekits_openai_plugin_speaks_with_its_defaults(server, options):
    from livekit.plugins import openai

    async def run():
        async with openai.TTS(base_url=f"{server.address}/v1", api_key="none", **options) as tts:
            return [event async for event in tts.synthesize(TEXT, conn_options=ONCE)]

    events = asyncio.run(run())
    seconds = sum(event.frame.duration for event in events)
    spoken = server.service.engines["toy"].synthesise(SpeechRequest(TEXT)).duration
    assert seconds == pytest.approx(spoken, abs=0.2)  # neither too fast nor too slow


def test_livekits_openai_plugin_writes_down():
    from livekit import rtc
    from livekit.plugins import openai

    from tests.conftest import SHIPPED
    from tests.server.speech_client import running

    async def run(server):
        speaking = openai.TTS(base_url=f"{server.address}/v1", api_key="none", response_format="pcm")
        frame = await speaking.synthesize(RAIN, conn_options=ONCE).collect()
        listening = openai.STT(
            base_url=f"{server.address}/v1", api_key="none", language="ml", model="gpt-4o-transcribe"
        )
        return await listening.recognize(rtc.combine_audio_frames([frame]), conn_options=ONCE)

    with running(SHIPPED, recognizers=SHIPPED.parent / "recognizers") as server:
        event = asyncio.run(run(server))
    assert difflib.SequenceMatcher(None, RAIN, event.alternatives[0].text).ratio() > 0.5
