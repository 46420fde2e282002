"""What holds for every HTTP answer: JSON errors, HEAD beside GET, a prefix, tags of languages, rates of samples."""

import json

import httpx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from swaram.audio.resample import resample
from swaram.server import app as module
from swaram.server.settings import ServerSettings
from tests.server.speech_client import running

SPEECH = "/v1/audio/speech"
TEXT = "അമ്മ വന്നു. മഴ പെയ്യുന്നു."


def speech(server, **body) -> httpx.Response:
    content, kind = json.dumps({"input": TEXT} | body), {"content-type": "application/json"}
    return httpx.post(f"{server.address}{SPEECH}", content=content, headers=kind, timeout=30)


@pytest.mark.parametrize(
    "path", ["/", "/healthz", "/readyz", "/v1/voices", "/v1/models", "/metrics", "/docs", "/openapi.json"]
)
def test_head_is_answered_as_get_without_a_body(server, path):
    head, get = (httpx.request(method, server.address + path) for method in ("HEAD", "GET"))
    assert head.status_code == get.status_code == 200 and head.content == b"" and get.content
    assert head.headers["content-type"] == get.headers["content-type"]
    if path != "/metrics":
        assert head.headers["content-length"] == str(len(get.content))


def test_head_of_nothing_and_of_what_is_only_posted_to(server):
    assert httpx.head(f"{server.address}/nowhere").status_code == 404
    assert httpx.head(f"{server.address}{SPEECH}").status_code == 405


names = st.one_of(
    st.text(max_size=300),
    st.text(min_size=190, max_size=300),
    st.just("\ud800"),
    st.just("a\x00b"),
    st.none(),
    st.integers(),
    st.lists(st.text(max_size=3), max_size=3),
    st.dictionaries(
        st.sampled_from(["id", "x"]), st.one_of(st.text(max_size=250), st.integers(), st.none()), max_size=2
    ),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.fixed_dictionaries({}, optional={"voice": names, "model": names, "language": names, "style": names}))
def test_whatever_is_asked_for_is_sound_or_json_of_one_sentence(server, body):
    answer = speech(server, **body)
    assert answer.status_code == 200 or 400 <= answer.status_code < 500
    if answer.status_code != 200:
        error = answer.json()["error"]
        assert set(error) == {"code", "message", "type", "param"} and "\n" not in error["message"]


def test_a_fault_that_nobody_foresaw_is_json_and_tells_nothing(toy_voices, monkeypatch, caplog):
    def broken(*_):
        raise ZeroDivisionError("a secret of the user")

    monkeypatch.setattr(module.Service, "describe_voices", broken)
    with running(toy_voices) as server:
        answer = httpx.get(f"{server.address}/v1/voices")
    assert answer.status_code == 500 and answer.json()["error"]["code"] == "internal"
    assert "secret" not in answer.text and "secret" not in caplog.text


@pytest.mark.parametrize("stripped", [True, False])
def test_a_prefix_is_understood_whether_the_proxy_takes_it_away_or_not(toy_voices, stripped):
    with running(toy_voices, root_path="/tts") as server:
        base = server.address + ("" if stripped else "/tts")
        assert httpx.get(f"{base}/v1/voices").status_code == 200
        assert httpx.get(f"{base}/docs").status_code == 200
        page = httpx.get(f"{base}/").text
        assert '"/v1' not in page and "url: '/" not in httpx.get(f"{base}/docs").text
        assert httpx.post(f"{base}{SPEECH}", json={"input": TEXT}).status_code == 200


@pytest.mark.parametrize("prefix", ["tts", "/tts/", "/a b?c", "//"])
def test_a_prefix_that_is_none_is_refused(prefix):
    with pytest.raises(ValueError):
        ServerSettings(root_path=prefix)


@pytest.mark.parametrize("tag", ["ml", "ML", "ml-IN", "ml_IN", "mal", "Malayalam", "മലയാളം", "ml-Mlym-IN"])
def test_every_spelling_of_a_language_is_understood(server, tag):
    assert speech(server, language=tag).status_code == 200


@pytest.mark.parametrize("tag", ["hi", "HI", "hi-IN", "Hindi", "हिन्दी"])
def test_hindi_is_refused_with_the_reason(server, tag):
    answer = speech(server, language=tag)
    assert answer.status_code == 400 and "leaves Hindi out" in answer.json()["error"]["message"]


def pcm(answer: httpx.Response) -> np.ndarray:
    return np.frombuffer(answer.content, "<i2").astype(np.float32) / 32768


def test_pcm_has_the_rate_that_players_take_it_for(server):
    own = pcm(speech(server, voice="toy", response_format="pcm", sample_rate=16_000))
    answer = speech(server, voice="toy", response_format="pcm")
    assert "rate=24000" in answer.headers["content-type"]
    made = pcm(answer)
    assert len(made) == pytest.approx(len(own) * 1.5, abs=2)
    # As if it had been resampled whole: no click where windows join.
    whole = np.clip(resample(own, 16_000, 24_000), -1, 1)
    assert np.abs(made - whole[: len(made)]).max() < 1e-3


@pytest.mark.parametrize("rate", [8000, 22_050, 48_000])
def test_a_rate_may_be_asked_for(server, rate):
    answer = speech(server, response_format="wav", sample_rate=rate)
    assert int.from_bytes(answer.content[24:28], "little") == rate
    assert speech(server, response_format="mp3", sample_rate=rate).status_code == 200
    assert speech(server, response_format="mp3", sample_rate=12_345).status_code == 400
    assert speech(server, response_format="pcm", sample_rate=7999).status_code == 422
