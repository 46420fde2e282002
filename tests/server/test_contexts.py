"""Several contexts on one socket, requests that continue others, rates, marks of characters, what was given out."""

import itertools
import json
import time

import numpy as np
import pytest

from swaram.audio.flac import to_integers
from swaram.voice.request import SpeechRequest
from tests.server.speech_client import TEXT, listen_until, running, say, speak

LONG = " ".join([TEXT] * 12)
SENTENCES = ["എനിക്ക് മലയാളം സംസാരിക്കാൻ കഴിയും.", " നാളെ രാവിലെ വരാം!", " സുഖമാണോ?"]


def listen_to_all(socket, contexts: set[str], timeout: float = 30) -> tuple[dict[str, bytes], dict[str, list[dict]]]:
    """Sound and messages of each context until the last of them is done."""
    sound = {name: b"" for name in contexts}
    told: dict[str, list[dict]] = {name: [] for name in contexts}
    owner, open_ones = "", set(contexts)
    while open_ones:
        message = socket.recv(timeout=timeout)
        if isinstance(message, bytes):
            sound[owner] += message
            continue
        heard = json.loads(message)
        if heard["type"] == "audio":
            owner = heard["context"]
        elif "context" in heard:
            told[heard["context"]].append(heard)
            if heard["type"] in ("done", "cancelled", "error"):
                open_ones.discard(heard["context"])
    return sound, told


def expected(server, text: str, **options) -> np.ndarray:
    return to_integers(server.service.engines["toy"].synthesise(SpeechRequest(text, **options)).audio)


def test_contexts_speak_side_by_side_and_each_is_whole(server):
    texts = {"a": LONG, "b": TEXT, "c": SENTENCES[0]}
    with server.websocket() as socket:
        for name, text in texts.items():
            say(socket, type="start", context=name, text=text, voice="toy", format="pcm", pace=False, seed=3)
        sound, told = listen_to_all(socket, set(texts))
    for name, text in texts.items():
        assert np.array_equal(np.frombuffer(sound[name], "<i2"), expected(server, text, seed=3))
        assert [m["type"] for m in told[name]][0 :: len(told[name]) - 1] == ["started", "done"]


def test_a_short_context_ends_while_a_long_one_still_speaks(server):
    with server.websocket() as socket:
        say(socket, type="start", context="long", text=LONG, voice="toy")
        say(socket, type="start", context="short", text=SENTENCES[0], voice="toy")
        heard = listen_until(socket, "done")
        assert heard.done["context"] == "short"
        say(socket, type="cancel", context="long")
        assert listen_until(socket, "cancelled").told[-1]["context"] == "long"


def test_requests_of_one_context_wait_for_each_other(server):
    with server.websocket() as socket:
        for name in ("1", "2"):
            say(socket, type="start", context="a", request_id=name, text=TEXT, voice="toy", pace=False)
        heard = [listen_until(socket, "done") for _ in range(2)]
    assert [part.done["request_id"] for part in heard] == ["1", "2"]


def test_a_client_that_uses_no_context_hears_nothing_of_them(server):
    heard = speak(server, voice="toy")
    assert heard.of("audio") == [] and all("context" not in message for message in heard.told)


def test_text_goes_to_the_context_that_it_names(server):
    with server.websocket() as socket:
        for name in "ab":
            say(socket, type="start", context=name, voice="toy", format="pcm", pace=False)
        say(socket, type="text", context="a", text=SENTENCES[0])
        say(socket, type="text", context="b", text=SENTENCES[2])
        say(socket, type="end", context="a")
        say(socket, type="end", context="b")
        sound, _ = listen_to_all(socket, {"a", "b"})
    assert np.array_equal(np.frombuffer(sound["a"], "<i2"), expected(server, SENTENCES[0]))
    assert np.array_equal(np.frombuffer(sound["b"], "<i2"), expected(server, SENTENCES[2]))


def test_more_contexts_than_the_limit_are_refused_and_those_that_ended_make_room(toy_voices):
    with running(toy_voices, max_contexts=2) as server, server.websocket() as socket:
        for name in "abc":
            say(socket, type="start", context=name, voice="toy")
        assert listen_until(socket, "error").told[-1]["code"] == "too_many_contexts"
        say(socket, type="cancel", context="a")
        listen_until(socket, "cancelled")
        say(socket, type="start", context="c", text=TEXT, voice="toy", pace=False)
        assert listen_until(socket, "done").done["context"] == "c"
        deadline = time.monotonic() + 5
        while server.service.streams > 1 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.service.streams == 1  # that of b


def test_every_context_counts_as_a_stream_of_its_key(toy_voices):
    with running(toy_voices, max_streams=1) as server, server.websocket() as socket:
        say(socket, type="start", context="a", voice="toy")
        say(socket, type="start", context="b", voice="toy")
        error = listen_until(socket, "error").told[-1]
        assert (error["code"], error["context"]) == ("overloaded", "b")


@pytest.mark.parametrize("context", [None, "talk"])
def test_requests_that_continue_one_another_are_the_speech_of_the_whole_text(server, context):
    names = {} if context is None else {"context": context}
    settings = {"voice": "toy", "speaker": "speaker-1", "seed": 5, "speed": 1.3, "format": "pcm", "pace": False}
    with server.websocket() as socket:
        say(socket, type="start", text=SENTENCES[0], **settings, **names)
        for text in SENTENCES[1:]:
            say(socket, type="start", text=text, continues=True, **names)
        parts = [listen_until(socket, "done") for _ in SENTENCES]
    sound = np.frombuffer(b"".join(piece for part in parts for piece in part.binary), "<i2")
    assert np.array_equal(sound, expected(server, "".join(SENTENCES), speaker="speaker-1", seed=5, speed=1.3))


def test_what_continues_may_change_what_it_says_and_without_a_request_before_it_begins(server):
    with server.websocket() as socket:
        say(socket, type="start", text=SENTENCES[0], continues=True, voice="toy", seed=2, speed=2.0, pace=False)
        first = listen_until(socket, "done").done
        say(socket, type="start", text=SENTENCES[0], continues=True, speed=0.5, pace=False)
        second = listen_until(socket, "done").done
    assert first["samples"] == len(expected(server, SENTENCES[0], seed=2, speed=2.0))
    assert (second["controls"]["speed"], second["controls"]["seed"], second["controls"]["voice"]) == (0.5, 2, "toy")


def test_a_request_after_a_cancelled_one_goes_on_behind_what_was_spoken(server):
    with server.websocket() as socket:
        say(socket, type="start", text=LONG, voice="toy", pace=False)
        listen_until(socket, "mark")
        say(socket, type="cancel")
        listen_until(socket, "cancelled")
        say(socket, type="start", text=TEXT, continues=True, pace=False)
        assert listen_until(socket, "done").done["controls"]["voice"] == "toy"


def test_done_says_what_was_given_out_and_how(server):
    heard = speak(server, TEXT, voice="toy", speaker=1, speed=1.5, seed=9)
    done, words = heard.done, [word for mark in heard.of("mark") for word in mark["words"]]
    assert (done["characters"], done["words"]) == (len(TEXT), len(words))
    assert done["controls"] == {
        "voice": "toy", "speaker": "speaker-1", "language": "ml", "style": None, "speed": 1.5, "pitch": 0.0, "seed": 9,
        "pause_scale": 1.0,
    }  # fmt: skip


@pytest.mark.parametrize("rate", [None, 8000, 48_000])
def test_cancelled_says_how_much_of_the_text_was_given_out(server, monkeypatch, rate):
    models = server.service.engines["toy"].models
    real = models.decode
    monkeypatch.setattr(models, "decode", lambda *a: (time.sleep(0.05), real(*a))[1])
    with server.websocket() as socket:
        say(socket, type="start", text=LONG, voice="toy", pace=False, format="pcm", sample_rate=rate)
        heard = listen_until(socket, "mark")
        while sum(map(len, heard.binary)) < 2 * 5 * (rate or 16_000):
            message = socket.recv(timeout=5)
            if isinstance(message, str):
                heard.told.append(json.loads(message))
            else:
                heard.binary.append(message)
        say(socket, type="cancel")
        rest = listen_until(socket, "cancelled")
    told = rest.told[-1]
    sound = sum(map(len, heard.binary + rest.binary)) // 2
    assert told["samples_sent"] <= sound <= told["samples_sent"] + 2.1 * (rate or 16_000)  # whole windows are counted
    words = [word for mark in heard.of("mark") + rest.of("mark") for word in mark["words"]]
    spoken = [word for word in words if word[3] <= told["samples_sent"]]
    assert told["words_sent"] == len(spoken) > 0
    assert spoken[-1][1] <= told["characters_sent"] <= words[len(spoken)][0] if len(words) > len(spoken) else True
    assert told["controls"]["voice"] == "toy"


def test_a_request_that_waited_was_given_out_not_at_all(server):
    with server.websocket() as socket:
        say(socket, type="start", text=LONG, voice="toy")
        say(socket, type="start", request_id="later", text=TEXT, voice="toy")
        say(socket, type="cancel", request_id="later")
        told = listen_until(socket, "cancelled").told[-1]
    assert [told[key] for key in ("samples_sent", "characters_sent", "words_sent")] == [0, 0, 0]


@pytest.mark.parametrize(("form", "rate"), [("pcm", 24_000), ("mulaw", None), ("alaw", 16_000), ("flac", 8000)])
def test_the_socket_speaks_at_the_rate_that_is_asked_for(server, form, rate):
    usual = speak(server, voice="toy")
    heard = speak(server, voice="toy", format=form, **({"sample_rate": rate} if rate else {}))
    started, factor = heard.of("started")[0], (rate or 8000) / 16_000
    assert started["sample_rate"] == (rate or 8000)
    assert heard.done["samples"] == pytest.approx(factor * usual.done["samples"], abs=2)
    assert heard.done["seconds"] == pytest.approx(usual.done["seconds"], abs=0.01)
    if form in ("mulaw", "alaw"):
        assert len(b"".join(heard.binary)) == heard.done["samples"]
    last = heard.of("mark")[-1]
    assert last["end_sample"] == pytest.approx(factor * usual.of("mark")[-1]["end_sample"], abs=1)
    assert last["words"][-1][3] <= heard.done["samples"]


def test_an_unfit_rate_is_one_sentence_and_the_socket_goes_on(server):
    with server.websocket() as socket:
        say(socket, type="start", text=TEXT, format="opus", sample_rate=44_100)
        assert "44100" in listen_until(socket, "error").told[-1]["message"]
        say(socket, type="start", text=TEXT, voice="toy", pace=False)
        assert listen_until(socket, "done").done["samples"] > 0


@pytest.mark.parametrize("text", [TEXT, "അമ്മ 12,500 രൂപ തന്നു; ₹99.50-ന് വാങ്ങി!", "സ്വരം\u200c 😀 നല്ലതാണ്."])
def test_every_character_has_its_time_in_order_and_words_agree(server, text):
    marks = speak(server, text, voice="toy", marks="character").of("mark")
    for mark in marks:
        places = [start for start, *_ in mark["characters"]]
        assert places == list(range(mark["start"], mark["end"]))
        assert all(end - start == 1 for start, end, *_ in mark["characters"])
        times = [time for _, _, first, last in mark["characters"] for time in (first, last)]
        assert times == sorted(times) and times[0] >= mark["start_sample"] and times[-1] == mark["end_sample"]
        assert all(a[3] == b[2] for a, b in itertools.pairwise(mark["characters"]))
    plain = speak(server, text, voice="toy").of("mark")
    assert [mark["words"] for mark in marks] == [mark["words"] for mark in plain]
    by_place = {c[0]: c for mark in marks for c in mark["characters"]}
    for mark in plain:
        for start, end, first, last in mark["words"]:
            if not any(c.isdigit() or c in "₹-" for c in text[start:end]):  # said in the order it is written in
                assert by_place[start][2] == pytest.approx(first, abs=1)
                assert by_place[end - 1][3] == pytest.approx(last, abs=1) or end == mark["end"]
