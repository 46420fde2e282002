"""Text in, FLAC out: what a client of ``/v1/speak`` relies on."""

import hashlib
import io
import itertools
import json
import shutil
import subprocess
import threading
import time

import numpy as np
import pytest
import soundfile

from swaram.audio.flac import pack_samples, to_integers
from swaram.audio.flac_format import StreamInfo
from swaram.voice.request import SpeechRequest
from tests.server.speech_client import TEXT, listen_until, running, say, speak

LONG = " ".join([TEXT] * 12)


def samples_of(file: bytes, bits: int = 16) -> np.ndarray:
    return soundfile.read(io.BytesIO(file), dtype="int32")[0] >> 32 - bits


@pytest.mark.parametrize("bits", [16, 24])
def test_the_stream_with_its_final_header_is_the_non_streamed_synthesis(server, bits):
    heard = speak(server, bits=bits, seed=4, speaker="speaker-1", voice="toy")
    speech = server.service.engines["toy"].synthesise(SpeechRequest(TEXT, seed=4, speaker="speaker-1"))
    expected = to_integers(speech.audio, bits)
    assert np.array_equal(samples_of(heard.file, bits), expected)
    assert heard.done["samples"] == len(expected)
    assert heard.done["md5"] == hashlib.md5(pack_samples(expected[:, None], bits)).hexdigest()
    assert heard.done["seconds"] == pytest.approx(len(expected) / 16_000, abs=1e-3)


@pytest.mark.skipif(shutil.which("flac") is None, reason="the program flac is not installed")
def test_flac_finds_no_fault_in_the_stream(server, tmp_path):
    file = tmp_path / "stream.flac"
    file.write_bytes(speak(server).file)
    checked = subprocess.run(["flac", "-t", "-s", "-w", file], capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="the program ffmpeg is not installed")
def test_ffmpeg_plays_the_stream_even_without_its_final_header(server):
    heard = speak(server)
    command = ["ffmpeg", "-v", "error", "-i", "-", "-f", "s16le", "-"]
    played = subprocess.run(command, input=b"".join(heard.binary), capture_output=True, check=True)
    assert np.array_equal(np.frombuffer(played.stdout, "<i2"), samples_of(heard.file))


def test_the_first_message_is_the_header_and_every_other_one_whole_frame(server):
    heard = speak(server)
    started = heard.of("started")[0]
    info = StreamInfo.from_bytes(heard.binary[0])
    assert len(heard.binary[0]) == 42
    assert (info.sample_rate, info.channels, info.bits, info.block_samples, info.samples) == (
        started["sample_rate"],
        started["channels"],
        started["bits"],
        started["block_samples"],
        0,
    )
    assert all(frame[:2] == b"\xff\xf8" for frame in heard.frames)
    assert len(heard.frames) == -(-heard.done["samples"] // info.block_samples)


def test_sound_comes_while_the_rest_is_still_being_made(server, monkeypatch):
    models = server.service.engines["toy"].models
    real, decoded = models.decode, []

    def slow(latent, window):
        time.sleep(0.02)
        decoded.append(time.monotonic())
        return real(latent, window)

    monkeypatch.setattr(models, "decode", slow)
    heard = speak(server, LONG)
    assert heard.done["samples"] > 10 * 16_000
    assert heard.first_frame < decoded[3]
    assert heard.done["ttfa_ms"] < 300


def test_hello_announces_voices_and_limits(server):
    with server.websocket() as socket:
        hello = json.loads(socket.recv(timeout=5))
    assert hello["type"] == "hello" and hello["protocol"] == 1
    assert hello["voices"] == ["toy", "toy-tamil"]
    assert hello["limits"]["request_characters"] == 5000


def test_text_that_is_still_being_written_is_spoken_sentence_by_sentence(server):
    with server.websocket() as socket:
        say(socket, type="start", request_id="a", pace=False, voice="toy")
        for piece in ("അമ്മ ", "വന്നു.", " നാളെ ", "രാവിലെ "):
            say(socket, type="text", request_id="a", text=piece)
        first = listen_until(socket, "mark")
        assert (first.of("mark")[0]["start"], first.of("mark")[0]["end"]) == (0, 11)
        say(socket, type="text", text="വരാം")
        say(socket, type="flush")
        second = listen_until(socket, "mark")
        assert second.of("mark")[0]["start"] == 12
        say(socket, type="text", text=" ശരി")
        say(socket, type="end")
        rest = listen_until(socket, "done")
    frames = [frame for part in (first, second, rest) for frame in part.binary][1:]
    assert rest.done["samples"] == -(-rest.done["samples"] // 1024) * 1024 == 1024 * len(frames)


def test_marks_say_when_each_word_of_the_text_is_heard(server):
    text = "അമ്മ വന്നു. നാളെ 12 പേർ വരാം!"
    words = [word for mark in speak(server, text).of("mark") for word in mark["words"]]
    spans = list(dict.fromkeys(text[start:end] for start, end, _, _ in words))
    assert spans == ["അമ്മ", "വന്നു", "നാളെ", "12", "പേർ", "വരാം"]
    assert all(a[3] <= b[2] for a, b in itertools.pairwise(words))
    symbols = [s for mark in speak(server, text, marks="symbol").of("mark") for s in mark["symbols"]]
    assert len(symbols) > len(words)
    assert speak(server, text, marks="none").of("mark") == []


def test_what_was_dropped_is_told_with_its_place(server):
    warnings = speak(server, "അമ്മ 😀 വന്നു.").of("warning")
    assert [(w["start"], w["end"]) for w in warnings] == [(5, 6)]


def test_markup_in_pieces_is_spoken_at_its_end_with_the_lexicon_of_the_request(server):
    markup = '<speak>അമ്മ <break time="300ms"/> <sub alias="വന്നു">came</sub> Ram</speak>'
    with server.websocket() as socket:
        say(socket, type="start", pace=False, voice="toy", lexicon={"Ram": "രാമൻ"})
        for at in range(0, len(markup), 9):
            say(socket, type="text", text=markup[at : at + 9])
        say(socket, type="end")
        heard = listen_until(socket, "done")
    words = [word for mark in heard.of("mark") for word in mark["words"]]
    assert list(dict.fromkeys(markup[start:end] for start, end, _, _ in words)) == ["അമ്മ", "came", "Ram"]
    assert speak(server, "അമ്മ വന്നു രാമൻ", voice="toy").of("warning") == heard.of("warning") == []


def test_requests_on_one_socket_are_served_one_after_the_other(server):
    with server.websocket() as socket:
        for name in ("first", "second", "third"):
            say(socket, type="start", request_id=name, text=TEXT, pace=False, voice="toy", seed=1)
        heard = [listen_until(socket, "done") for _ in range(3)]
    assert [part.done["request_id"] for part in heard] == ["first", "second", "third"]
    files = [part.file for part in heard]
    assert files[0] == files[1] == files[2]


def test_many_clients_get_the_same_samples_as_one_alone(server):
    alone = speak(server, LONG, voice="toy", seed=2).done["md5"]
    sums = []
    threads = [
        threading.Thread(target=lambda: sums.append(speak(server, LONG, voice="toy", seed=2).done["md5"]))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sums == [alone] * 8


def test_cancel_stops_within_one_window_and_the_socket_goes_on(server, monkeypatch):
    models = server.service.engines["toy"].models
    real, decoded = models.decode, []
    monkeypatch.setattr(models, "decode", lambda *a: (decoded.append(1), time.sleep(0.03), real(*a))[2])
    with server.websocket() as socket:
        say(socket, type="start", request_id="long", text=LONG, pace=False, voice="toy")
        say(socket, type="start", request_id="waiting", text=LONG, voice="toy")
        heard = listen_until(socket, "mark")
        socket.recv(timeout=5)
        say(socket, type="cancel")
        rest = [listen_until(socket, "cancelled"), listen_until(socket, "cancelled")]
        at_cancel = len(decoded)
        assert {part.told[-1]["request_id"] for part in rest} == {"long", "waiting"}
        sent = next(p.told[-1]["samples_sent"] for p in rest if p.told[-1]["request_id"] == "long")
        assert 0 < sent < 60 * 16_000 and heard.of("done") == []
        say(socket, type="start", text="അമ്മ", pace=False, voice="toy")
        assert listen_until(socket, "done").done["samples"] > 0
    assert len(decoded) <= at_cancel + 1 + 3


def test_a_client_who_leaves_frees_the_workers(server, monkeypatch):
    models = server.service.engines["toy"].models
    real, decoded = models.decode, []
    monkeypatch.setattr(models, "decode", lambda *a: (decoded.append(1), time.sleep(0.03), real(*a))[2])
    socket = server.websocket(legacy=True)
    say(socket, type="start", text=LONG, pace=False, voice="toy")
    listen_until(socket, "mark")
    socket.socket.close()
    deadline = time.monotonic() + 3
    while server.service.streams and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.service.streams == 0
    count = len(decoded)
    time.sleep(0.2)
    assert len(decoded) == count


def test_sound_is_sent_at_most_a_few_seconds_ahead_of_playback(toy_voices):
    with running(toy_voices, seconds_ahead=3.6) as server, server.websocket() as socket:
        say(socket, type="start", text=LONG, voice="toy")
        heard = listen_until(socket, "started")
        begun, samples = None, 0
        while begun is None or time.monotonic() - begun < 1.5:
            message = socket.recv(timeout=5)
            if isinstance(message, bytes) and len(message) != 42:
                begun = begun or time.monotonic()
                samples += 1024
                assert samples / 16_000 <= time.monotonic() - begun + 3.6 + 0.1
        assert heard.of("started") and samples / 16_000 > 1.5


def test_a_window_longer_than_the_lead_comes_before_the_listener_has_nothing_left(toy_voices):
    with running(toy_voices, seconds_ahead=1.0) as server, server.websocket() as socket:  # windows grow to 2 seconds
        say(socket, type="start", text=LONG, voice="toy")
        listen_until(socket, "started")
        begun, samples = None, 0
        while begun is None or time.monotonic() - begun < 5:
            message = socket.recv(timeout=5)
            if isinstance(message, bytes) and len(message) != 42:
                begun = begun or time.monotonic()
                assert time.monotonic() - begun <= samples / 16_000 + 0.1
                samples += 1024
        assert samples / 16_000 > 4


def test_pings_are_answered_while_speaking(server):
    with server.websocket() as socket:
        say(socket, type="start", text=LONG, voice="toy")
        say(socket, type="ping")
        assert listen_until(socket, "pong", timeout=3).of("pong")


def test_the_second_voice_speaks_its_own_language_at_its_own_rate(server):
    heard = speak(server, "வணக்கம், நலமா?", voice="toy-tamil")
    assert heard.of("started")[0]["sample_rate"] == 24_000
    assert heard.of("started")[0]["speaker"] is None
    assert soundfile.info(io.BytesIO(heard.file)).samplerate == 24_000
