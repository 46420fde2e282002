"""Pipecat with its real package, and its OpenAI service against the OpenAI form. Run by make soak, in an environment
of its own."""

import asyncio
import difflib
import time

import numpy as np
import pytest

from swaram.audio.flac import to_integers
from swaram.voice.request import SpeechRequest
from tests.conftest import SHIPPED
from tests.recorded_speech import file_bytes, spoken_clips
from tests.server.speech_client import TEXT, running

pytest.importorskip("pipecat", reason="Pipecat is run by make soak, in an environment of its own")

from pipecat.frames.frames import (
    ErrorFrame,
    InterruptionFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TTSAudioRawFrame,
    TTSSpeakFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
    TTSTextFrame,
)
from pipecat.pipeline.worker import PipelineParams
from pipecat.services.openai.tts import OpenAITTSService
from pipecat.services.tts_service import TextAggregationMode
from pipecat.tests.utils import SleepFrame, run_test

from swaram.integrations.pipecat import SwaramTTSService

LONG = " ".join([TEXT] * 12)


def turn(text: str, size: int = 4) -> list:
    pieces = [LLMTextFrame(text[i : i + size]) for i in range(0, len(text), size)]
    return [LLMFullResponseStartFrame(), *pieces, LLMFullResponseEndFrame()]


def run(service, frames: list, rate: int = 16_000) -> tuple[list, list]:
    params = PipelineParams(audio_out_sample_rate=rate)
    return asyncio.run(run_test(service, frames_to_send=frames, pipeline_params=params))


def of(frames, kind) -> list:
    return [frame for frame in frames if isinstance(frame, kind)]


def sound_of(frames) -> np.ndarray:
    return np.frombuffer(b"".join(frame.audio for frame in of(frames, TTSAudioRawFrame)), np.int16)


@pytest.mark.parametrize("mode", list(TextAggregationMode))
def test_frames_and_words_come_out_of_text_that_is_being_written(server, mode):
    service = SwaramTTSService(url=server.address, voice="toy", speaker="speaker-1", text_aggregation_mode=mode)
    down, up = run(service, turn(TEXT))
    expected = to_integers(server.service.engines["toy"].synthesise(SpeechRequest(TEXT, speaker="speaker-1")).audio)
    assert np.array_equal(sound_of(down), expected) and not of(up, ErrorFrame)
    assert {frame.sample_rate for frame in of(down, TTSAudioRawFrame)} == {16_000}
    words = [frame.text for frame in of(down, TTSTextFrame)]
    assert " ".join(words).split() == TEXT.split()
    kinds = [type(frame) for frame in of(down, (TTSStartedFrame, TTSStoppedFrame))]
    assert kinds == [TTSStartedFrame, TTSStoppedFrame]


def test_several_turns_speak_one_after_the_other(server):
    service = SwaramTTSService(url=server.address, voice="toy")
    down, up = run(service, [TTSSpeakFrame("അമ്മ വന്നു."), SleepFrame(1.0), TTSSpeakFrame("മഴ പെയ്തു.")])
    assert len(of(down, TTSStoppedFrame)) == 2 and not of(up, ErrorFrame)


def test_an_interruption_cancels_on_the_server(server):
    service = SwaramTTSService(url=server.address, voice="toy")
    frames = [*turn(LONG), SleepFrame(0.5), InterruptionFrame(), SleepFrame(0.5)]
    down, up = run(service, frames)
    whole = server.service.engines["toy"].synthesise(SpeechRequest(LONG)).duration
    assert 0 < len(sound_of(down)) / 16_000 < whole / 2 and not of(up, ErrorFrame)
    deadline = time.monotonic() + 3
    while server.service.streams and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.service.streams == 0


def test_a_refusal_is_an_error_frame_with_the_servers_sentence(server):
    down, up = run(SwaramTTSService(url=server.address, voice="nobody"), [TTSSpeakFrame(TEXT), SleepFrame(0.5)])
    assert any("no such voice" in frame.error for frame in of(down + up, ErrorFrame))


def test_pipecats_openai_service_speaks_with_its_defaults(server):
    service = OpenAITTSService(api_key="none", base_url=f"{server.address}/v1")
    down, up = run(service, [TTSSpeakFrame(TEXT), SleepFrame(2.0)], rate=24_000)
    assert not of(down + up, ErrorFrame)
    spoken = server.service.engines["toy"].synthesise(SpeechRequest(TEXT)).duration
    assert len(sound_of(down)) / 24_000 == pytest.approx(spoken, abs=0.05)


def test_pipecats_openai_service_writes_down():
    from pipecat.services.openai.stt import OpenAISTTService

    async def hear(address: str, recording: bytes) -> list:
        settings = OpenAISTTService.Settings(language="ml")
        service = OpenAISTTService(api_key="none", base_url=f"{address}/v1", settings=settings)
        return [frame async for frame in service.run_stt(recording)]

    clip = spoken_clips()[1]
    with running(SHIPPED, recognizers=SHIPPED.parent / "recognizers") as server:
        (frame,) = asyncio.run(hear(server.address, file_bytes(clip.audio, clip.rate, "wav")))
    assert difflib.SequenceMatcher(None, clip.text, frame.text).ratio() > 0.8
