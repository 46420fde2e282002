"""ElevenLabs' and Deepgram's official packages, pointed at this server. Run by make soak, in an environment of its
own."""

import shutil
import subprocess

import numpy as np
import pytest

from swaram.audio.flac import to_integers
from swaram.voice.request import SpeechRequest
from tests.server.speech_client import TEXT, running
from tests.voice.toy_voice import write_toy_voice

pytest.importorskip("elevenlabs", reason="the official packages are run by make soak, in an environment of its own")
pytest.importorskip("deepgram", reason="the official packages are run by make soak, in an environment of its own")

from deepgram import AsyncDeepgramClient, DeepgramClient
from deepgram.environment import DeepgramClientEnvironment
from deepgram.speak.v1.types import SpeakV1Clear, SpeakV1Close, SpeakV1Flush, SpeakV1Text
from elevenlabs import VoiceSettings
from elevenlabs.client import ElevenLabs
from elevenlabs.core.api_error import ApiError


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    """A server over TLS, which ElevenLabs' package insists on, with a certificate that this process trusts."""
    if shutil.which("openssl") is None:
        pytest.skip("the program openssl makes the certificate")
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", key, "-out", certificate,
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    write_toy_voice(folder / "voices" / "toy")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(certificate))
        with running(folder / "voices", tls_certificate=certificate, tls_key=key) as server:
            yield server


def expected(server, text: str, **options) -> np.ndarray:
    return to_integers(server.service.engines["toy"].synthesise(SpeechRequest(text, **options)).audio)


def test_elevenlabs_speaks_text_that_is_being_written(secure):
    client = ElevenLabs(api_key="none", base_url=f"{secure.address}/elevenlabs")
    pieces = client.text_to_speech.convert_realtime(
        voice_id="toy",
        text=iter([word + " " for word in TEXT.split()]),
        model_id="eleven_flash_v2_5",
        output_format="pcm_16000",
        voice_settings=VoiceSettings(speed=1.5, stability=0.5),
    )
    sound = np.frombuffer(b"".join(pieces), "<i2")
    assert np.array_equal(sound, expected(secure, TEXT, speed=1.5))


def test_elevenlabs_speaks_with_its_defaults(secure):
    client = ElevenLabs(api_key="none", base_url=f"{secure.address}/elevenlabs")
    sound = b"".join(client.text_to_speech.convert_realtime(voice_id="toy", text=iter([TEXT])))
    assert len(sound) / 8000 == pytest.approx(len(expected(secure, TEXT)) / 16_000, abs=0.2)  # MP3 of 64 kbit/s


def test_elevenlabs_raises_the_servers_own_sentence(secure):
    client = ElevenLabs(api_key="none", base_url=f"{secure.address}/elevenlabs")
    with pytest.raises(ApiError, match="no such speaker"):
        list(client.text_to_speech.convert_realtime(voice_id="nobody", text=iter([TEXT]), output_format="pcm_16000"))


def environment(server) -> DeepgramClientEnvironment:
    address = server.address.replace("http", "ws", 1) + "/deepgram"
    return DeepgramClientEnvironment(base=address, production=address, agent=address, agent_rest=address)


def test_deepgram_speaks_flushes_clears_and_closes(server):
    client = DeepgramClient(api_key="none", environment=environment(server))
    with client.speak.v1.connect(model="toy", encoding="linear16", sample_rate="16000") as socket:
        for piece in TEXT.split(" "):
            socket.send_text(SpeakV1Text(type="Speak", text=piece + " "))
        socket.send_flush(SpeakV1Flush(type="Flush"))
        sound, kinds = b"", []
        for message in socket:
            if isinstance(message, bytes):
                sound += message
                continue
            kinds.append(message.type)
            if message.type == "Flushed":
                socket.send_text(SpeakV1Text(type="Speak", text=" ".join([TEXT] * 12)))
                socket.send_clear(SpeakV1Clear(type="Clear"))
            elif message.type == "Cleared":
                socket.send_close(SpeakV1Close(type="Close"))
    assert kinds == ["Metadata", "Flushed", "Cleared"]
    whole = expected(server, TEXT)
    assert np.array_equal(np.frombuffer(sound, "<i2")[: len(whole)], whole)


@pytest.mark.parametrize("options", [{}, {"model": "aura-2-thalia-en", "encoding": "mulaw", "sample_rate": "8000"}])
def test_deepgrams_asynchronous_client_speaks_with_defaults_and_for_telephones(server, options):
    import asyncio

    async def run() -> bytes:
        client = AsyncDeepgramClient(api_key="none", environment=environment(server))
        sound = b""
        async with client.speak.v1.connect(**options) as socket:
            await socket.send_text(SpeakV1Text(type="Speak", text=TEXT))
            await socket.send_flush()
            async for message in socket:
                if isinstance(message, bytes):
                    sound += message
                elif message.type == "Flushed":
                    await socket.send_close()
        return sound

    width, rate = (1, 8000) if options else (2, 24_000)
    sound = asyncio.run(run())
    assert len(sound) / width / rate == pytest.approx(len(expected(server, TEXT)) / 16_000, abs=0.05)
