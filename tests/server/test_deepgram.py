"""Deepgram's socket: what its clients send and read, and what of it ends a request."""

import json
import time
from contextlib import suppress

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed

from swaram.audio.flac import to_integers
from swaram.voice.request import SpeechRequest
from tests.server.speech_client import TEXT, running, say

PATH = "/deepgram/v1/speak"
ENCODINGS = [("", 24_000, 2), ("encoding=mulaw", 8000, 1), ("encoding=alaw&sample_rate=16000", 16_000, 1)]
MODELS = [("aura-2-zeus-en", "toy"), ("aura-asteria-en", "toy"), ("toy-tamil", "toy-tamil")]
LONG = " ".join([TEXT] * 12)


def listen(socket, *kinds: str, count: int = 1) -> tuple[bytes, list[dict]]:
    """Sound and messages until so many of these types have come."""
    sound, told = b"", []
    while count:
        message = socket.recv(timeout=20)
        if isinstance(message, bytes):
            sound += message
        else:
            told.append(json.loads(message))
            count -= told[-1]["type"] in kinds
    return sound, told


def expected(server, text: str, **options) -> np.ndarray:
    return to_integers(server.service.engines["toy"].synthesise(SpeechRequest(text, **options)).audio)


def test_text_is_spoken_and_flushed(server):
    with server.websocket(f"{PATH}?model=toy/speaker-1&encoding=linear16&sample_rate=16000") as socket:
        metadata = json.loads(socket.recv(timeout=5))
        assert metadata["type"] == "Metadata" and metadata["model_name"] == "toy/speaker-1"
        for piece in TEXT.split(" "):
            say(socket, type="Speak", text=piece + " ")
        say(socket, type="Flush")
        sound, told = listen(socket, "Flushed")
        say(socket, type="Close")
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=5)
    assert closed.value.rcvd.code == 1000
    assert np.array_equal(np.frombuffer(sound, "<i2"), expected(server, TEXT, speaker="speaker-1"))
    assert told == [{"type": "Flushed", "sequence_id": 0}]


def test_sound_comes_before_the_flush_where_a_sentence_is_complete(server):
    with server.websocket(f"{PATH}?model=toy") as socket:
        say(socket, type="Speak", text="അമ്മ വന്നു. ")
        socket.recv(timeout=5)
        assert isinstance(socket.recv(timeout=5), bytes)


def test_parts_between_flushes_go_on_from_one_another(server):
    sentences = ["എനിക്ക് മലയാളം സംസാരിക്കാൻ കഴിയും.", " നാളെ രാവിലെ വരാം!", " സുഖമാണോ?"]
    with server.websocket(f"{PATH}?model=toy&sample_rate=16000") as socket:
        for sentence in sentences:
            say(socket, type="Speak", text=sentence)
            say(socket, type="Flush")
        sound, told = listen(socket, "Flushed", count=3)
    assert np.array_equal(np.frombuffer(sound, "<i2"), expected(server, "".join(sentences)))
    assert [m["sequence_id"] for m in told if m["type"] == "Flushed"] == [0, 1, 2]


@pytest.mark.parametrize(("query", "rate", "width"), ENCODINGS)
def test_encodings_and_rates(server, query, rate, width):
    with server.websocket(f"{PATH}?{query}") as socket:
        say(socket, type="Speak", text=TEXT)
        say(socket, type="Flush")
        sound, _ = listen(socket, "Flushed")
    assert len(sound) / width / rate == pytest.approx(len(expected(server, TEXT)) / 16_000, abs=0.01)


@pytest.mark.parametrize(("model", "speaker"), MODELS)
def test_models_of_deepgram_and_own_voices_are_found(server, model, speaker):
    with server.websocket(f"{PATH}?model={model}") as socket:
        assert json.loads(socket.recv(timeout=5))["model_name"].startswith(speaker)


def test_clear_stops_at_once_and_the_socket_goes_on(server):
    with server.websocket(f"{PATH}?model=toy&sample_rate=16000") as socket:
        say(socket, type="Speak", text=LONG)
        say(socket, type="Flush")
        say(socket, type="Speak", text=LONG)
        while not isinstance(socket.recv(timeout=5), bytes):
            pass
        say(socket, type="Clear")
        listen(socket, "Cleared")
        deadline = time.monotonic() + 3
        while server.service.streams and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.service.streams == 0
        say(socket, type="Speak", text="അമ്മ വന്നു.")
        say(socket, type="Flush")
        sound, told = listen(socket, "Flushed")
    assert [message["type"] for message in told] == ["Flushed"]
    assert len(sound) < len(LONG) * 400


def test_clear_is_heard_however_much_text_waits(server):
    with server.websocket(f"{PATH}?model=toy&sample_rate=16000") as socket:
        say(socket, type="Speak", text=LONG)
        say(socket, type="Flush")
        for _ in range(1000):
            say(socket, type="Speak", text="അമ്മ ")
        say(socket, type="Clear")
        assert [m["type"] for m in listen(socket, "Cleared")[1]] == ["Metadata", "Cleared"]


def test_more_text_than_may_wait_is_refused(toy_voices):
    with (
        running(toy_voices, max_request_characters=500, max_queued_requests=2) as server,
        server.websocket(f"{PATH}?model=toy") as socket,
    ):
        say(socket, type="Speak", text=TEXT)
        say(socket, type="Flush")
        for _ in range(20):
            say(socket, type="Speak", text=TEXT)
        assert listen(socket, "Warning")[1][-1]["code"] in ("TOO_MANY_REQUESTS", "TEXT_TOO_LONG")


def test_a_flush_or_close_without_text_is_answered(server):
    with server.websocket(PATH) as socket:
        say(socket, type="Flush")
        assert listen(socket, "Flushed")[1][-1]["sequence_id"] == 0
        say(socket, type="Close")
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=5)


def test_what_cannot_be_spoken_is_a_warning_and_the_next_text_is_spoken(server):
    with server.websocket(f"{PATH}?model=toy") as socket:
        say(socket, type="Speak", text="😀")
        say(socket, type="Flush")
        _, told = listen(socket, "Flushed")
        assert "no words" in next(m["description"] for m in told if m.get("code") == "NOTHING_TO_SAY")
        say(socket, type="Speak", text="അ" * 5001)
        assert "5000" in listen(socket, "Warning")[1][-1]["description"]
        say(socket, type="Speak", text="അമ്മ")
        say(socket, type="Flush")
        assert listen(socket, "Flushed")[0]


@pytest.mark.parametrize("query", ["model=nobody", "encoding=mp3", "sample_rate=loud", "sample_rate=5", "speed=9"])
def test_an_address_that_asks_for_what_there_is_not_is_told_so(server, query):
    told: list[dict] = []
    with server.websocket(f"{PATH}?{query}") as socket, suppress(ConnectionClosed):
        while not any(message["type"] in ("Warning", "Error") for message in told):
            told += [json.loads(socket.recv(timeout=5))]
    sentences = [m["description"] for m in told if m["type"] in ("Warning", "Error")]
    assert sentences and sentences[0].endswith(".")


@pytest.mark.parametrize("message", ["x", "[]", '{"type": "Sing"}', '{"type": "Speak"}'])
def test_messages_that_are_none_are_told(server, message):
    with server.websocket(PATH) as socket:
        socket.recv(timeout=5)
        socket.send(message)
        assert json.loads(socket.recv(timeout=5))["type"] in ("Error", "Warning")


def test_a_client_who_leaves_frees_the_server(toy_voices):
    with running(toy_voices) as server:
        for _ in range(3):
            with server.websocket(f"{PATH}?model=toy") as socket:
                say(socket, type="Speak", text=LONG)
                while not isinstance(socket.recv(timeout=5), bytes):
                    pass
        deadline = time.monotonic() + 5
        while (server.service.streams or server.service.connections) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.service.streams == server.service.connections == 0
