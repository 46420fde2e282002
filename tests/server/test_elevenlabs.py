"""ElevenLabs' socket: pieces of text in, base64 sound with the time of every character out."""

import base64
import itertools
import json
import time

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed

from swaram.audio.flac import to_integers
from swaram.voice.request import SpeechRequest
from tests.server.speech_client import TEXT, running, say


def path(voice: str = "toy", **query) -> str:
    asked = "&".join(f"{key}={value}" for key, value in ({"output_format": "pcm_16000"} | query).items())
    return f"/elevenlabs/v1/text-to-speech/{voice}/stream-input?model_id=eleven_flash_v2_5&{asked}"


def listen(socket) -> tuple[list[dict], int]:
    """Everything until the server closes, and the close code."""
    told = []
    while True:
        try:
            told.append(json.loads(socket.recv(timeout=20)))
        except ConnectionClosed as closed:
            return told, closed.rcvd.code


def spoken(server, pieces: list[str], voice: str = "toy", first: dict | None = None, **query) -> list[dict]:
    with server.websocket(path(voice, **query)) as socket:
        say(socket, text=" ", try_trigger_generation=True, generation_config={}, **(first or {}))
        for piece in pieces:
            say(socket, text=piece, try_trigger_generation=True)
        say(socket, text="")
        told, code = listen(socket)
    assert code == 1000 and told[-1]["isFinal"] is True
    return told


def sound_of(told: list[dict]) -> bytes:
    return b"".join(base64.b64decode(message["audio"]) for message in told if message["audio"])


def test_pieces_of_text_are_the_speech_of_the_whole(server):
    told = spoken(server, [word + " " for word in TEXT.split()], "toy%2Fspeaker-1")
    speech = server.service.engines["toy"].synthesise(SpeechRequest(TEXT, speaker="speaker-1"))
    assert np.array_equal(np.frombuffer(sound_of(told), "<i2"), to_integers(speech.audio))
    assert all(message["isFinal"] is None for message in told[:-1])


def test_every_character_is_aligned_as_their_clients_add_it_up(server):
    told = spoken(server, [TEXT[:20], TEXT[20:]])
    alignments = [message["alignment"] for message in told[:-1] if message["alignment"]]
    assert len(alignments) == 3  # sentences
    assert "".join(c for a in alignments for c in a["chars"]) == TEXT
    speech = server.service.engines["toy"].synthesise(SpeechRequest(TEXT))
    begun, words = 0.0, {}
    for alignment in alignments:
        starts, durations = alignment["charStartTimesMs"], alignment["charDurationsMs"]
        assert all(a + d == b for a, d, b in zip(starts, durations, starts[1:], strict=False))
        place = sum(len(a["chars"]) for a in alignments[: alignments.index(alignment)])
        words |= {place + i: begun + start for i, start in enumerate(starts)}
        begun += starts[-1] + durations[-1]
    for mark in speech.marks:
        assert words[mark.start] == pytest.approx(mark.start_sample / 16, abs=3)
    assert speech.marks[-1].end_sample / 16 <= begun + 3 and begun <= 1000 * speech.duration + 3
    assert all(message["alignment"] == message["normalizedAlignment"] for message in told[:-1])


@pytest.mark.parametrize(
    ("form", "rate"), [("mp3_44100_128", 44_100), ("pcm_24000", 24_000), ("ulaw_8000", 8000), ("opus_48000_32", 48_000)]
)
def test_output_formats(server, form, rate):
    import io

    import av

    sound = sound_of(spoken(server, [TEXT], output_format=form))
    seconds = server.service.engines["toy"].synthesise(SpeechRequest(TEXT)).duration
    if form.startswith(("pcm", "ulaw")):
        assert len(sound) / (2 if form.startswith("pcm") else 1) / rate == pytest.approx(seconds, abs=0.01)
        return
    with av.open(io.BytesIO(sound)) as container:
        stream = container.streams.audio[0]
        assert stream.rate == rate
        assert sum(f.samples / f.sample_rate for f in container.decode(stream)) == pytest.approx(seconds, abs=0.2)


def test_flush_speaks_what_has_come_and_speed_is_honoured(server):
    with server.websocket(path()) as socket:
        say(socket, text=" ", voice_settings={"speed": 2.0, "stability": 0.5})
        say(socket, text="അമ്മ വന്നു", flush=True)
        first = json.loads(socket.recv(timeout=5))
        say(socket, text="")
        told, _ = listen(socket)
    fast = server.service.engines["toy"].synthesise(SpeechRequest("അമ്മ വന്നു", speed=2.0))
    assert len(sound_of([first, *told])) == 2 * len(fast.audio)


def test_a_text_of_nothing_is_final_at_once(server):
    assert [message["isFinal"] for message in spoken(server, [" ", " "])] == [True]


@pytest.mark.parametrize(
    ("address", "pieces", "words"),
    [
        (path("nobody"), [TEXT, ""], "no such speaker"),
        (path(output_format="wma_44100"), [TEXT, ""], "output_format"),
        (path(output_format="mp3_12345"), [TEXT, ""], "sample_rate"),
        (path(language_code="hi"), [TEXT, ""], "Hindi"),
        (path(), ["😀", ""], "no words"),
        (path(), ["അ" * 5001, ""], "5000"),
        (path(), [None], "has a text"),
    ],
)
def test_faults_are_one_sentence_and_the_end(server, address, pieces, words):
    with server.websocket(address) as socket:
        try:
            for piece in pieces:
                say(socket, text=piece)
        except ConnectionClosed:
            pass
        told, code = listen(socket)
    assert code == 1008 and words in told[-1]["message"]
    assert told[-1]["message"].endswith(".") and "\n" not in told[-1]["message"]


def test_keys_are_asked_for_in_their_header(toy_voices, tmp_path):
    from swaram.server.keys import add_key

    key = add_key(tmp_path / "keys.json", "a")
    with running(toy_voices, keys=tmp_path / "keys.json") as server:
        with server.websocket(path()) as socket:
            told, code = listen(socket)
        assert code == 4401 and "key" in told[0]["message"]
        with server.websocket(path(), additional_headers={"xi-api-key": key}) as socket:
            say(socket, text="അമ്മ ")
            say(socket, text="")
            assert listen(socket)[1] == 1000


def test_a_client_who_leaves_frees_the_server(toy_voices):
    with running(toy_voices) as server:
        with server.websocket(path()) as socket:
            say(socket, text=" ".join([TEXT] * 12), flush=True)
            socket.recv(timeout=5)
        deadline = time.monotonic() + 5
        while (server.service.streams or server.service.connections) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.service.streams == server.service.connections == 0


def test_sound_comes_while_the_text_is_written(server):
    with server.websocket(path()) as socket:
        for piece in itertools.islice((word + " " for word in TEXT.split()), 5):
            say(socket, text=piece)
        assert json.loads(socket.recv(timeout=5))["audio"]
