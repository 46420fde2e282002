"""Captioned speech as Kokoro-FastAPI's clients ask for it: sound in base64 and the words with their times."""

import base64
import io
import json

import httpx
import pytest
import soundfile

from tests.server.speech_client import TEXT

PATH = "/dev/captioned_speech"
WORDS = ["എനിക്ക്", "മലയാളം", "സംസാരിക്കാൻ", "കഴിയും", "നാളെ", "രാവിലെ", "വരാം", "സുഖമാണോ"]


def post(server, **body) -> httpx.Response:
    defaults = {"model": "kokoro", "voice": "af_heart", "input": TEXT, "speed": 1.0}
    return httpx.post(server.address + PATH, json=defaults | body, timeout=30)


def test_one_answer_holds_a_whole_file_and_every_word(server):
    answer = post(server, stream=False, response_format="wav", lang_code="a")
    told = answer.json()
    assert told["audio_format"] == "audio/wav" and answer.headers["x-voice"].startswith("toy/")
    sound, rate = soundfile.read(io.BytesIO(base64.b64decode(told["audio"])))
    assert [word["word"] for word in told["timestamps"]] == WORDS
    times = [time for word in told["timestamps"] for time in (word["start_time"], word["end_time"])]
    assert times == sorted(times) and times[0] >= 0 and times[-1] <= len(sound) / rate


def test_lines_come_one_by_one_with_the_words_of_each(server):
    body = {"model": "tts-1", "voice": "toy/speaker-1", "input": TEXT, "response_format": "pcm"}
    with httpx.stream("POST", server.address + PATH, json=body, timeout=30) as answer:
        lines = [json.loads(line) for line in answer.iter_lines()]
    assert len(lines) > 3 and [w["word"] for line in lines for w in line["timestamps"]] == WORDS
    assert lines[0]["audio_format"] == "audio/pcm;rate=24000;channels=1;bits=16"
    sound = b"".join(base64.b64decode(line["audio"]) for line in lines)
    speech = {"input": TEXT, "voice": "toy/speaker-1", "response_format": "pcm"}
    assert sound == httpx.post(f"{server.address}/v1/audio/speech", json=speech, timeout=30).content
    assert lines[-1]["timestamps"] == []


def test_without_times_there_are_none(server):
    assert post(server, stream=False, return_timestamps=False).json()["timestamps"] == []


@pytest.mark.parametrize("stream", [True, False])
def test_what_cannot_be_spoken_is_one_sentence(server, stream):
    answer = post(server, stream=stream, input="😀")
    assert answer.status_code == 400 and "holds no words" in answer.json()["error"]["message"]
    assert post(server, stream=stream, lang_code="kn").json()["error"]["param"] == "language"


def test_the_addresses_by_which_clients_know_such_a_server(server):
    assert httpx.get(f"{server.address}/health").json() == {"status": "healthy"}
    assert httpx.get(f"{server.address}/v1/test").json() == {"status": "ok"}
