"""WAV to FLAC, by upload, by socket and by command: bit for bit, or one clear sentence."""

import base64
import io
import json
import struct
import subprocess
import sys
from contextlib import suppress

import httpx
import numpy as np
import pytest
import soundfile
from websockets.exceptions import ConnectionClosedError

from swaram.audio.flac_format import StreamInfo
from tests.server.speech_client import listen_until, running, say

SUBTYPES = {8: "PCM_U8", 16: "PCM_16", 24: "PCM_24"}
FLAC_SUBTYPES = {8: "PCM_S8", 16: "PCM_16", 24: "PCM_24"}


@pytest.fixture(scope="module")
def spoken(server) -> np.ndarray:
    """Two seconds of sound, int16."""
    from swaram.voice.request import SpeechRequest

    audio = server.service.engines["toy"].synthesise(SpeechRequest("അമ്മ വീട്ടിൽ വന്നു")).audio
    return (audio * 32767).astype(np.int16)


def wav_of(samples: np.ndarray, channels: int = 1, bits: int = 16, rate: int = 16_000, form: str = "WAV") -> bytes:
    file = io.BytesIO()
    wide = np.stack([np.roll(samples, 5 * c) for c in range(channels)], 1).astype(np.int32) << 16
    wide += np.random.default_rng(bits).integers(0, 1 << 16, wide.shape, dtype=np.int32)
    soundfile.write(file, wide, rate, subtype=SUBTYPES[bits], format=form)
    return file.getvalue()


def upload(server, data: bytes, query: str = "", field: str = "file") -> httpx.Response:
    return httpx.post(f"{server.address}/convert{query}", files={field: ("speech.wav", data, "audio/wav")}, timeout=30)


def convert(server, data: bytes, size: int = 5000, end: bool = True, **start) -> tuple[list[dict], list[bytes]]:
    """Everything that ``/v1/convert`` answers to a WAV sent in pieces."""
    told, binary = [], []
    with server.websocket("/v1/convert") as socket:
        if start:
            say(socket, type="start", **start)
        with suppress(ConnectionClosedError):  # refused before all of it was sent
            for place in range(0, len(data), size):
                socket.send(data[place : place + size])
            if end:
                say(socket, type="end")
        with suppress(ConnectionClosedError):  # closed with a code that is not 1000
            for message in socket:
                (binary if isinstance(message, bytes) else told).append(message)
    return [json.loads(message) for message in told], binary


def same_sound(wav: bytes, flac: bytes, bits: int) -> bool:
    heard, rate = soundfile.read(io.BytesIO(flac), dtype="int32", always_2d=True)
    sent, sent_rate = soundfile.read(io.BytesIO(wav), dtype="int32", always_2d=True)
    return (
        rate == sent_rate
        and soundfile.info(io.BytesIO(flac)).subtype == FLAC_SUBTYPES[bits]
        and np.array_equal(heard, sent)
    )


@pytest.mark.parametrize("bits", [8, 16, 24])
@pytest.mark.parametrize(
    ("channels", "rate", "form"), [(1, 16_000, "WAV"), (2, 44_100, "WAVEX"), (6, 96_000, "RF64"), (8, 8000, "WAV")]
)
def test_an_upload_comes_back_bit_for_bit(server, spoken, bits, channels, rate, form):
    data = wav_of(spoken, channels, bits, rate, form)
    answer = upload(server, data)
    assert answer.status_code == 200 and answer.headers["content-type"] == "audio/flac"
    assert same_sound(data, answer.content, bits)
    info = StreamInfo.from_bytes(answer.content[:42])
    assert answer.headers["x-samples"] == str(info.samples) == str(len(spoken))
    assert answer.headers["x-audio-md5"] == info.md5.hex()


@pytest.mark.parametrize("bits", [8, 16, 24])
@pytest.mark.parametrize("channels", [1, 8])
def test_a_socket_converts_bytes_as_they_come(server, spoken, bits, channels):
    data = wav_of(spoken, channels, bits)
    told, binary = convert(server, data, size=777)
    assert [message["type"] for message in told] == ["hello", "started", "done"]
    assert told[1]["samples"] == len(spoken) and told[1]["bits"] == bits and told[1]["lossless"]
    assert same_sound(data, base64.b64decode(told[2]["header"]) + b"".join(binary[1:]), bits)


def test_frames_come_before_the_wav_is_complete(server, spoken):
    data = wav_of(spoken)
    with server.websocket("/v1/convert") as socket:
        socket.send(data[: 44 + 2 * 3000])
        heard = listen_until(socket, "started")
        assert len(socket.recv(timeout=5)) == 42
        assert all(socket.recv(timeout=5)[:2] == b"\xff\xf8" for _ in range(2))
        assert heard.of("done") == []
        socket.send(data[44 + 2 * 3000 :])  # no end message: the header says how long it is
        assert listen_until(socket, "done").done["samples"] == len(spoken)


def test_a_wav_of_unknown_length_ends_with_the_end_message(server, spoken):
    data = bytearray(wav_of(spoken))
    data[4:8] = data[40:44] = b"\xff\xff\xff\xff"
    told, binary = convert(server, bytes(data))
    assert told[1]["samples"] is None and told[-1]["samples"] == len(spoken)
    file = base64.b64decode(told[-1]["header"]) + b"".join(binary[1:])
    assert soundfile.info(io.BytesIO(file)).frames == len(spoken)


def float_wav(samples: np.ndarray) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples / 32768, 16_000, subtype="FLOAT", format="WAV")
    return file.getvalue()


def test_float_is_refused_unless_the_loss_is_accepted(server, spoken):
    data = float_wav(spoken)
    refused = upload(server, data)
    assert refused.status_code == 415 and "lossy=1" in refused.json()["error"]["message"]
    accepted = upload(server, data, "?lossy=1")
    assert accepted.status_code == 200
    heard = soundfile.read(io.BytesIO(accepted.content), dtype="int32")[0]
    assert np.array_equal(heard, spoken.astype(np.int32) << 16)
    told, _ = convert(server, data, lossy=True)
    assert told[1]["lossless"] is False and told[-1]["type"] == "done"


BAD = {
    "empty": (b"", 415, "empty"),
    "flac": (b"fLaC" + bytes(500), 415, "not a WAV"),
    "text": ("അമ്മ വന്നു".encode() * 20, 415, "not a WAV"),
    "header only": (wav_of(np.zeros(10, np.int16))[:44], 422, "truncated"),
    "half a header": (wav_of(np.zeros(10, np.int16))[:20], 422, "ends after 20 bytes"),
    "no samples": (wav_of(np.zeros(0, np.int16)), 415, "no samples"),
    "lies": (wav_of(np.zeros(10, np.int16))[:40] + struct.pack("<I", 1 << 30) + bytes(20), 422, "announces 536870912"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_whole_wav_gets_one_sentence(server, name):
    data, status, words = BAD[name]
    answer = upload(server, data)
    assert answer.status_code == status
    sentence = answer.json()["error"]["message"]
    assert words in sentence and sentence.endswith(".") and "\n" not in sentence
    told, _ = convert(server, data)
    assert told[-1]["type"] == "error" and words in told[-1]["message"]


def test_a_truncated_wav_is_refused_after_its_frames(server, spoken):
    told, binary = convert(server, wav_of(spoken)[:-101])
    assert told[-1]["code"] == "bad_wav" and "truncated" in told[-1]["message"]
    assert len(binary) > 1


def test_forms_without_the_file_are_refused(server):
    for answer in (
        upload(server, b"RIFF", field="other"),
        httpx.post(f"{server.address}/convert", data={"file": "text"}),
        httpx.post(f"{server.address}/convert", content=b"RIFF"),
        httpx.post(f"{server.address}/convert", content=b"x", headers={"content-type": "multipart/form-data"}),
        httpx.post(
            f"{server.address}/convert", content=b"x", headers={"content-type": "multipart/form-data; boundary=a"}
        ),
        httpx.post(f"{server.address}/convert", files={"file": ("", b"")}),
        upload(server, b"RIFF", "?lossy=perhaps"),
    ):
        assert 400 <= answer.status_code < 500
        assert answer.json()["error"]["message"].endswith(".")


def test_uploads_and_streams_beyond_the_limit_are_cut_off(toy_voices, spoken):
    with running(toy_voices, max_upload_bytes=30_000, max_convert_seconds=0.5) as server:
        assert upload(server, bytes(200_000)).status_code == 413

        def chunks():
            yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
            for _ in range(100):
                yield bytes(10_000)

        headers = {"content-type": "multipart/form-data; boundary=b"}
        assert httpx.post(f"{server.address}/convert", content=chunks(), headers=headers).status_code == 413
        told, _ = convert(server, wav_of(spoken, 8), end=False)
        assert told[-1]["code"] == "too_large"
        long = wav_of(spoken[:10_000])
        assert "longer than 0.5 seconds" in upload(server, long).json()["error"]["message"]
        assert "longer than 0.5 seconds" in convert(server, long)[0][-1]["message"]


def test_wrong_messages_on_the_convert_socket_are_one_sentence(server, spoken):
    for message in ("no json", '{"type":"stop"}', '{"type":"start","lossy":"perhaps"}', "[]", '{"type":"end"}'):
        with server.websocket("/v1/convert") as socket:
            socket.send(message)
            error = listen_until(socket, "error").told[-1]
            assert error["message"].endswith(".") and "\n" not in error["message"]
    with server.websocket("/v1/convert") as socket:
        socket.send(wav_of(spoken)[:1000])
        say(socket, type="start", lossy=True)
        assert listen_until(socket, "error").told[-1]["code"] == "late_start"


def test_the_command_converts_a_file(spoken, tmp_path):
    wav, flac = tmp_path / "in.wav", tmp_path / "out.flac"
    wav.write_bytes(wav_of(spoken, 2, 24))
    run = [sys.executable, "-m", "swaram.cli.main", "convert"]
    done = subprocess.run([*run, wav, flac], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert same_sound(wav.read_bytes(), flac.read_bytes(), 24)
    wav.write_bytes(wav.read_bytes()[:-100])
    for source, words in ((wav, "truncated"), (tmp_path / "none.wav", "no such file")):
        failed = subprocess.run([*run, source, tmp_path / "bad.flac"], capture_output=True, text=True)
        assert failed.returncode == 1 and words in failed.stderr and failed.stderr.count("\n") == 1
    assert sorted(file.name for file in tmp_path.iterdir()) == ["in.wav", "out.flac"]
