"""``POST /v1/audio/speech``: every format, streaming, and OpenAI's own client."""

import base64
import io
import json
import time

import av
import httpx
import numpy as np
import pytest
import soundfile

from swaram.audio.flac import to_integers
from swaram.voice.request import SpeechRequest
from tests.server.speech_client import TEXT, running, speak

LONG = " ".join([TEXT] * 12)
openai = pytest.importorskip("openai", reason="the package openai is not installed")
OWN_RATE = {"sample_rate": 16_000}  # of the toy voice, so that samples can be compared


@pytest.fixture(scope="module")
def client(server):
    """OpenAI's client, talking to this server."""
    with openai.OpenAI(base_url=f"{server.address}/v1", api_key="none", max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def expected(server) -> np.ndarray:
    """The same text without streaming."""
    return to_integers(server.service.engines["toy"].synthesise(SpeechRequest(TEXT, speaker="speaker-1")).audio)


def post(server, **body) -> httpx.Response:
    return httpx.post(f"{server.address}/v1/audio/speech", json={"input": TEXT} | body, timeout=30)


@pytest.mark.parametrize("form", ["flac", "wav"])
def test_files_are_complete_and_exact(server, client, expected, form):
    sound = client.audio.speech.create(model="toy", voice="speaker-1", input=TEXT, response_format=form).content
    heard, rate = soundfile.read(io.BytesIO(sound), dtype="int16")
    assert rate == 16_000 and np.array_equal(heard, expected)


def test_pcm_is_exact(client, expected):
    sound = client.audio.speech.create(
        model="swaram", voice="toy/speaker-1", input=TEXT, response_format="pcm", extra_body=OWN_RATE
    ).content
    assert np.array_equal(np.frombuffer(sound, "<i2"), expected)


@pytest.mark.parametrize("form", ["mp3", "opus"])
def test_lossy_formats_hold_the_same_speech(client, expected, form):
    sound = client.audio.speech.create(model="toy", voice="speaker-1", input=TEXT, response_format=form).content
    with av.open(io.BytesIO(sound)) as container:
        stream = container.streams.audio[0]
        assert stream.codec.name.startswith(form)
        resampler = av.AudioResampler(format="s16", layout="mono", rate=16_000)
        heard = np.concatenate([
            part.to_ndarray()[0] for frame in container.decode(stream) for part in resampler.resample(frame)
        ]).astype(float)  # fmt: skip
    assert len(heard) / 16_000 == pytest.approx(len(expected) / 16_000, abs=0.15)
    if form == "opus":
        return  # reshapes noise: only its length is compared
    size = 1 << 18
    spectrum = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(expected, size))
    likeness = np.fft.irfft(spectrum).max() / np.sqrt((heard**2).sum() * (expected.astype(float) ** 2).sum())
    assert likeness > 0.5


def test_sound_is_streamed_while_the_rest_is_made(server, client, monkeypatch):
    models = server.service.engines["toy"].models
    real, decoded = models.decode, []
    monkeypatch.setattr(models, "decode", lambda *a: (decoded.append(time.monotonic()), time.sleep(0.03), real(*a))[2])
    with client.audio.speech.with_streaming_response.create(
        model="toy", voice="default", input=LONG, response_format="pcm"
    ) as answer:
        pieces = answer.iter_bytes(1024)
        next(pieces)
        first, so_far = time.monotonic(), len(decoded)
        assert sum(map(len, pieces)) > 0
    assert so_far < len(decoded) / 2 and first < decoded[-1]


def test_events_carry_the_same_sound(server, expected):
    body = {"input": TEXT, "voice": "toy/speaker-1", "response_format": "pcm", "stream_format": "sse", **OWN_RATE}
    with httpx.stream("POST", f"{server.address}/v1/audio/speech", json=body, timeout=30) as answer:
        events = [json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: ")]
    assert [event["type"] for event in events[-2:]] == ["speech.audio.delta", "speech.audio.done"]
    sound = b"".join(base64.b64decode(event["audio"]) for event in events[:-1])
    assert np.array_equal(np.frombuffer(sound, "<i2"), expected)
    assert events[-1]["usage"]["input_tokens"] == len(TEXT)


@pytest.mark.parametrize("form", ["pcm", "wav", "opus", "mp3"])
def test_the_socket_speaks_the_other_formats_too(server, form):
    heard = speak(server, format=form, voice="toy")
    data = b"".join(heard.binary)
    if form == "pcm":
        assert len(data) == 2 * heard.done["samples"]
        return
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.audio[0]
        seconds = sum(frame.samples / frame.sample_rate for frame in container.decode(stream))
    assert seconds == pytest.approx(heard.done["seconds"], abs=0.15)


def test_models_are_listed(client):
    assert [model.id for model in client.models.list()] == ["swaram", "toy", "toy-tamil"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"input": ""}, 400, "holds no words"),
        ({"input": "😀"}, 400, "holds no words"),
        ({"input": "അ" * 5001}, 400, "more than 5000"),
        ({"input": None}, 422, "input"),
        ({"voice": "nobody"}, 400, "no such speaker"),
        ({"voice": 5}, 422, "voice"),
        ({"voice": {"id": 5}}, 422, "voice"),
        ({"response_format": "ogg"}, 422, "response_format"),
        ({"speed": 9}, 422, "speed"),
        ({"pitch": 13}, 422, "pitch"),
        ({"language": "kn"}, 400, "reads ml"),
        ({"language": "hi"}, 400, "leaves Hindi out"),
    ],
)
def test_what_cannot_be_spoken_is_one_sentence(server, body, status, words):
    answer = post(server, **body)
    assert answer.status_code == status
    sentence = answer.json()["error"]["message"]
    assert words in sentence and sentence.endswith(".") and "\n" not in sentence


def test_the_official_client_understands_the_errors(client):
    with pytest.raises(openai.BadRequestError, match="no such speaker"):
        client.audio.speech.create(model="toy", voice="nobody", input=TEXT)


def test_a_full_server_says_when_to_come_again(toy_voices):
    with running(toy_voices, max_streams=1) as server, server.websocket() as socket:
        socket.send(json.dumps({"type": "start", "text": LONG, "voice": "toy"}))
        time.sleep(0.3)
        answer = post(server)
        assert answer.status_code == 429 and int(answer.headers["retry-after"]) >= 1
        assert answer.json()["error"]["code"] == "overloaded"


def test_a_reader_who_leaves_frees_the_server(server):
    body = {"input": LONG, "voice": "toy", "response_format": "pcm"}
    for _ in range(5):
        with httpx.stream("POST", f"{server.address}/v1/audio/speech", json=body, timeout=30) as answer:
            next(answer.iter_raw())
    deadline = time.monotonic() + 5
    while server.service.streams and time.monotonic() < deadline:
        time.sleep(0.02)
    assert server.service.streams == 0


def test_ssml_and_a_lexicon_are_followed_and_bad_markup_is_one_sentence(server):
    def samples(**body):
        answer = post(server, model="toy", response_format="pcm", **OWN_RATE | body)
        return answer.content

    assert samples(input='<speak><sub alias="അമ്മ">Mother</sub></speak>') == samples(input="അമ്മ")
    assert samples(input='<sub alias="അമ്മ">Mother</sub>', ssml=True) == samples(input="അമ്മ")
    assert samples(input="Mother", lexicon={"mother": "അമ്മ"}) == samples(input="അമ്മ")
    refused = post(server, input="<speak>അമ്മ <b>വന്നു</b></speak>")
    assert refused.status_code == 400
    assert "'b' is not followed" in refused.json()["error"]["message"]
    assert post(server, lexicon={"x": ""}).status_code == 400
    assert post(server, lexicon={str(i): "x" for i in range(1001)}).status_code == 422
