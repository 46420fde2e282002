"""What OpenAI's official client relies on: names, models, formats, errors, ids, events."""

import httpx
import numpy as np
import pytest

from swaram.audio.encoders import rate_of
from swaram.audio.files import AudioError
from swaram.server.settings import VOICE_NAMES, ServerSettings
from tests.server.speech_client import TEXT, running
from tests.voice.toy_voice import write_toy_voice

openai = pytest.importorskip("openai", reason="the package openai is not installed")
OPENAI_VOICES = [
    "alloy", "ash", "ballad", "cedar", "coral", "echo", "fable", "marin", "nova", "onyx", "sage", "shimmer", "verse",
]  # fmt: skip


@pytest.fixture(scope="module")
def client(server):
    with openai.OpenAI(base_url=f"{server.address}/v1", api_key="none", max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """A server whose voice has a woman and two men."""
    folder = write_toy_voice(tmp_path_factory.mktemp("mixed") / "toy", speakers=3)
    manifest = folder / "voice.json"
    text = manifest.read_text()
    first = text.index('"female"') + len('"female"')
    manifest.write_text(text[:first] + text[first:].replace('"female"', '"male"'))
    with running(folder.parent) as server:
        yield server


def post(server, **body) -> httpx.Response:
    return httpx.post(f"{server.address}/v1/audio/speech", json={"input": TEXT} | body, timeout=30)


@pytest.mark.parametrize("voice", OPENAI_VOICES)
@pytest.mark.parametrize("model", ["tts-1", "gpt-4o-mini-tts"])
def test_every_voice_of_openai_speaks(client, voice, model):
    answer = client.audio.speech.with_raw_response.create(model=model, voice=voice, input="അമ്മ വന്നു.")
    assert answer.headers["x-voice"].startswith("toy/speaker-") and len(answer.content) > 1000


def test_voices_of_others_speak_by_their_gender_and_take_turns(mixed):
    spoken = {
        voice: post(mixed, voice=voice).headers["x-voice"] for voice in ("alloy", "nova", "ash", "ballad", "cedar")
    }
    assert spoken == {
        "alloy": "toy/speaker-0", "nova": "toy/speaker-0",
        "ash": "toy/speaker-1", "ballad": "toy/speaker-2", "cedar": "toy/speaker-1",
    }  # fmt: skip
    assert post(mixed, voice="af_heart", model="kokoro").headers["x-voice"] == "toy/speaker-0"
    assert post(mixed, voice="am_adam", model="kokoro").headers["x-voice"] != "toy/speaker-0"


def test_the_table_of_names_is_a_setting_and_own_names_come_first(toy_voices):
    names = {"alloy": "toy-tamil", "speaker-0": "toy-tamil", "anna": "speaker-1", "narrator*": "toy/speaker-1"}
    with running(toy_voices, voice_names=names) as server:
        heard = {name: post(server, voice=name).headers.get("x-voice") for name in (*names, "narrator 3")}
        assert post(server, voice="alloy", input="அம்மா").headers["x-voice"] == "toy-tamil"
        assert heard["speaker-0"] == "toy/speaker-0"
        assert heard["anna"] == heard["narrator 3"] == "toy/speaker-1"
        assert post(server, voice="nova").status_code == 400


def test_the_table_can_be_set_by_the_environment(monkeypatch):
    monkeypatch.setenv("SWARAM_SERVER_VOICE_NAMES", '{"alloy": "male"}')
    assert ServerSettings().voice_names == {"alloy": "male"} != VOICE_NAMES


def test_models_are_found_by_their_id_and_others_are_not(client):
    assert client.models.retrieve("toy").id == "toy"
    assert client.models.retrieve("tts-1-hd").object == "model"
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("davinci")
    assert caught.value.code == "model_not_found" and caught.value.param == "model"
    with pytest.raises(openai.NotFoundError, match="no such model"):
        client.audio.speech.create(model="davinci", voice="alloy", input=TEXT)


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"voice": "nobody"}, "bad_request", "voice"),
        ({"voice": 7}, "bad_request", "voice"),
        ({"speed": 9}, "bad_request", "speed"),
        ({"instructions": "speak like a pirate"}, "unsupported_parameter", "instructions"),
        ({"language": "kn"}, "bad_request", "language"),
        ({"response_format": "mp3", "sample_rate": 12_345}, "bad_request", "sample_rate"),
        ({"pitch": 3}, "bad_request", "pitch"),
        ({"input": "അ" * 5001}, "text_too_long", "input"),
    ],
)
def test_an_error_names_the_parameter(client, server, body, code, param):
    error = post(server, **body).json()["error"]
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert error["code"] == code


def test_the_official_client_reads_code_parameter_and_request_id(client):
    with pytest.raises(openai.BadRequestError) as caught:
        client.audio.speech.create(model="toy", voice="nobody", input=TEXT)
    error = caught.value
    assert (error.code, error.param, error.type) == ("bad_request", "voice", "invalid_request_error")
    assert error.request_id.startswith("req_")


def test_every_answer_has_an_id_of_its_own(server):
    ids = [
        httpx.request(method, server.address + path).headers["x-request-id"]
        for method, path in (("GET", "/healthz"), ("GET", "/nowhere"), ("POST", "/v1/audio/speech"), ("HEAD", "/"))
    ]
    assert len(set(ids)) == 4 and all(one.startswith("req_") for one in ids)


def test_speed_is_honoured(server):
    usual, fast = (len(post(server, response_format="pcm", speed=speed).content) for speed in (1.0, 2.0))
    assert fast < 0.65 * usual


def test_empty_instructions_ask_for_nothing(server):
    assert post(server, instructions=" ").status_code == 200


@pytest.mark.parametrize("form", ["mulaw", "alaw"])
def test_telephony_comes_at_8_khz_and_is_the_same_speech(server, form):
    answer = post(server, voice="toy/speaker-1", response_format=form)
    kind = {"mulaw": "audio/PCMU", "alaw": "audio/PCMA"}[form]
    assert answer.headers["content-type"] == f"{kind};rate=8000;channels=1"
    linear = post(server, voice="toy/speaker-1", response_format="pcm", sample_rate=8000).content
    expected = np.frombuffer(linear, "<i2").astype(float)
    assert len(answer.content) == len(expected)
    heard = expand(np.frombuffer(answer.content, np.uint8), form)
    assert (
        np.abs(heard - expected).max() <= np.abs(expected).max() / 16
    )  # a sixteenth of the chord is the coarsest step


def expand(codes: np.ndarray, form: str) -> np.ndarray:
    """ITU-T G.711 as its text defines the decoder: sign, chord and step of each byte -> 16-bit samples."""
    bits = (~codes if form == "mulaw" else codes ^ 0x55).astype(np.uint8).astype(int)
    chord, step = bits >> 4 & 7, bits & 15
    if form == "mulaw":
        size = ((2 * step + 33) << chord + 2) - 132
        return np.where(bits & 0x80, -size, size)
    size = np.where(chord == 0, (2 * step + 1) << 3, (2 * step + 33) << np.maximum(chord - 1, 0) + 3)
    return np.where(bits & 0x80, size, -size)


def test_aac_is_streamed_and_plays(server):
    import io

    import av

    sound = post(server, voice="toy", response_format="aac")
    assert sound.headers["content-type"] == "audio/aac"
    seconds = len(post(server, voice="toy", response_format="pcm").content) / 48_000
    with av.open(io.BytesIO(sound.content)) as container:
        stream = container.streams.audio[0]
        assert stream.codec.name == "aac"
        assert sum(f.samples / f.sample_rate for f in container.decode(stream)) == pytest.approx(seconds, abs=0.2)


@pytest.mark.parametrize(("form", "rate"), [("flac", 7999), ("pcm", 48_001), ("opus", 44_100), ("mp3", 8001)])
def test_rates_that_a_format_does_not_hold_are_refused(form, rate):
    with pytest.raises(AudioError, match="sample_rate"):
        rate_of(form, 16_000, rate)


def test_the_voices_are_listed_as_open_webui_reads_them(server):
    voices = httpx.get(f"{server.address}/v1/audio/voices").json()["voices"]
    assert {voice["id"]: voice["name"] for voice in voices} == {
        "toy/speaker-0": "toy/speaker-0", "toy/speaker-1": "toy/speaker-1", "toy-tamil": "toy-tamil",
    }  # fmt: skip
    for voice in voices:
        body = {"voice": voice["id"], "input": "அம்மா" if "tamil" in voice["id"] else TEXT}
        assert post(server, **body).headers["x-voice"] == voice["id"]
    models = httpx.get(f"{server.address}/v1/audio/models").json()["models"]
    assert [model["id"] for model in models] == ["swaram", "toy", "toy-tamil"]
