"""A voice with languages and styles offers them over the socket and over HTTP; others refuse them in one sentence."""

import httpx
import numpy as np
import pytest

from swaram.audio.flac import to_integers
from swaram.voice.request import SpeechRequest
from tests.export.exported import exported
from tests.server.speech_client import running, speak
from tests.voice.toy_voice import write_toy_voice

TEXT = "आई घरी आली."


@pytest.fixture(scope="module")
def styled(tmp_path_factory):
    """A server of a voice of two languages and two styles, and of a toy voice without any."""
    folder = tmp_path_factory.mktemp("styled")
    data = {"languages": ["mr", "kok"], "styles": ["HAPPY", "SAD"]}
    exported(folder, 2, data=data, duration_predictor="plain")
    write_toy_voice(folder / "toy")
    with running(folder) as server:
        yield server


def test_the_list_of_voices_names_the_styles(styled):
    voices = httpx.get(f"{styled.address}/v1/voices").json()["voices"]
    assert {voice["name"]: voice["styles"] for voice in voices} == {"voice": ["none", "HAPPY", "SAD"], "toy": []}


@pytest.mark.parametrize("choice", [{"style": "sad"}, {"language": "kok"}])
def test_socket_and_openai_route_speak_as_the_engine_does(styled, choice):
    expected = to_integers(styled.service.engines["voice"].synthesise(SpeechRequest(TEXT, **choice)).audio)
    usual = to_integers(styled.service.engines["voice"].synthesise(SpeechRequest(TEXT)).audio)
    assert expected.shape != usual.shape or not np.array_equal(expected, usual)
    body = {"input": TEXT, "model": "voice", "response_format": "pcm", "sample_rate": 16_000, **choice}
    sound = httpx.post(f"{styled.address}/v1/audio/speech", json=body, timeout=30).content
    assert np.array_equal(np.frombuffer(sound, "<i2"), expected)
    heard = speak(styled, TEXT, voice="voice", format="pcm", **choice)
    assert np.array_equal(np.frombuffer(b"".join(heard.binary), "<i2"), expected)


@pytest.mark.parametrize(("voice", "words"), [("voice", "choose one of none, HAPPY, SAD"), ("toy", "single style")])
def test_an_unknown_style_is_refused_in_one_sentence(styled, voice, words):
    body = {"input": TEXT, "model": voice, "style": "angry"}
    answer = httpx.post(f"{styled.address}/v1/audio/speech", json=body, timeout=30)
    assert answer.status_code == 400 and words in answer.json()["error"]["message"]
