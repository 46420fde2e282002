"""``POST /v1/text`` and ``GET /v1/languages``: what the front end makes of a text, as a page can show it."""

import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from swaram.languages import LANGUAGES
from swaram.server.keys import add_key
from swaram.text.frontend import TextFrontend
from tests.server.speech_client import running


def explained(server, text: str, language: str = "ml", **headers: str) -> httpx.Response:
    body = {"text": text, "language": language}
    return httpx.post(f"{server.address}/v1/text", json=body, headers=headers)


@pytest.mark.parametrize("code", sorted(LANGUAGES))
def test_the_steps_end_where_speaking_begins(server, code):
    text = "12 %"
    told = explained(server, text, code).json()
    analysis = TextFrontend(code).analyse(text)
    assert [one["text"] for one in told["sentences"]] == [sentence.text for sentence in analysis.sentences]
    assert [one["message"] for one in told["notices"]] == [notice.message for notice in analysis.notices]
    assert told["language"] == code and told["steps"][0]["step"] == "normalised"


def test_rules_and_notices_name_their_places(server):
    text = "ഡോ. രവി 25 കി.മീ. 😀 ഓടി"
    told = explained(server, text).json()
    (dropped,) = [one for one in told["notices"] if one["kind"] == "dropped"]
    assert text[dropped["start"] : dropped["end"]] == "😀"
    said = {text[rule["start"] : rule["end"]]: rule["said"] for rule in told["rules"]}
    assert "ഡോക്ടർ" in said["ഡോ."] and any("ഇരുപത്തിയഞ്ച്" in words for words in said.values())
    (sentence,) = told["sentences"]
    assert text[sentence["start"] : sentence["end"]] == text and sentence["pause_after"] > 0


def test_a_lexicon_is_tried_as_in_a_request_for_speech(server):
    body = {"text": "Swaram 25", "language": "ml", "lexicon": {"swaram": "സ്വരം"}}
    told = httpx.post(f"{server.address}/v1/text", json=body).json()
    assert [one["text"] for one in told["sentences"]] == ["സ്വരം ഇരുപത്തിയഞ്ച്"]
    assert [one["step"] for one in told["steps"]][:2] == ["normalised", "lexicon"]
    assert ("Swaram", "സ്വരം") in {(rule["before"], rule["said"]) for rule in told["rules"]}


@pytest.mark.parametrize(
    ("lexicon", "status"),
    [({"a": ""}, 400), ({"a": "b" * 501}, 400), ({str(n): "b" for n in range(1001)}, 422), ({"a": 1}, 422)],
)
def test_a_lexicon_that_speech_refuses_is_refused_here_too(server, lexicon, status):
    text = httpx.post(f"{server.address}/v1/text", json={"text": "a", "language": "ml", "lexicon": lexicon})
    speech = httpx.post(
        f"{server.address}/v1/audio/speech", json={"input": "a", "voice": "alloy", "model": "tts-1", "lexicon": lexicon}
    )
    assert (text.status_code, speech.status_code) == (status, status)
    message = text.json()["error"]["message"]
    assert "lexicon" in message and "\n" not in message


def test_the_servers_own_lexicon_comes_after_that_of_the_request(toy_voices, tmp_path):
    words = tmp_path / "words.tsv"
    words.write_text("Swaram\tസ്വരം\nKochi\tകൊച്ചി\n", encoding="utf-8")
    with running(toy_voices, lexicon=words) as server:
        body = {"text": "Swaram Kochi", "language": "ml", "lexicon": {"swaram": "സുരം"}}
        told = httpx.post(f"{server.address}/v1/text", json=body).json()
    assert [one["text"] for one in told["sentences"]] == ["സുരം കൊച്ചി"]


@pytest.mark.parametrize("language", ["hi", "xx", ""])
def test_a_language_that_is_not_offered_is_one_sentence(server, language):
    answer = explained(server, "a", language)
    assert answer.status_code == 400 and "\n" not in answer.json()["error"]["message"]


def test_an_empty_text_and_a_broken_one_have_an_answer(server):
    assert explained(server, "").json()["sentences"] == []
    answer = httpx.post(f"{server.address}/v1/text", content=b'{"text": "a\\ud800", "language": "ml"}',
                        headers={"Content-Type": "application/json"})  # fmt: skip
    assert answer.status_code == 200 and answer.json()["notices"]


def test_a_text_beyond_the_limit_is_refused(server):
    answer = explained(server, "അ" * 2001)
    assert answer.status_code == 400 and answer.json()["error"]["code"] == "text_too_long"


def test_so_many_wait_and_the_others_are_told(server):
    text = "25 രൂപ 12/5/2024 " * 100
    with ThreadPoolExecutor(40) as threads:
        answers = list(threads.map(lambda _: explained(server, text), range(40)))
    assert {answer.status_code for answer in answers} <= {200, 429}
    assert any(answer.status_code == 200 for answer in answers)
    assert all(int(one.headers["retry-after"]) >= 1 for one in answers if one.status_code == 429)
    assert explained(server, "25").status_code == 200


def test_keys_and_their_characters_count(toy_voices, tmp_path):
    path = tmp_path / "keys.json"
    key = add_key(path, "reader")
    keys = json.loads(path.read_text())
    keys["keys"][0]["characters_per_minute"] = 20
    path.write_text(json.dumps(keys))
    with running(toy_voices, keys=path) as server:
        assert explained(server, "അമ്മ").status_code == 401
        assert explained(server, "അമ്മ" * 5, Authorization=f"Bearer {key}").status_code == 200
        assert explained(server, "അമ്മ", Authorization=f"Bearer {key}").status_code == 429


def test_languages_say_their_scripts_and_who_speaks_them(server):
    languages = {one["code"]: one for one in httpx.get(f"{server.address}/v1/languages").json()["languages"]}
    assert set(languages) == set(LANGUAGES)
    assert languages["ml"]["voices"] == ["toy"] and languages["ta"]["voices"] == ["toy-tamil"]
    assert languages["ur"]["direction"] == "rtl" and languages["te"]["voices"] == []
    assert languages["ta"]["scripts"] == [{"name": "Tamil", "ranges": [[0xB80, 0xBFF]]}]
