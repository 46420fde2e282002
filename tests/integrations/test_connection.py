"""Many requests over one connection: what the plugins for agents build on."""

import asyncio
import itertools

import numpy as np
import pytest

from swaram.audio.flac import to_integers
from swaram.client import ClientError
from swaram.integrations.connection import Connector, RequestRefused, SpeakConnection
from swaram.voice.request import SpeechRequest
from tests.server.speech_client import TEXT, running

LONG = " ".join([TEXT] * 12)


async def heard(speech) -> tuple[bytes, list]:
    sound, words = b"", []
    async for message in speech.messages():
        if isinstance(message, bytes):
            sound += message
        elif message["type"] == "mark":
            words += speech.timed(message)
    return sound, words


async def said(connection: SpeakConnection, text: str, **options) -> tuple[bytes, list]:
    speech = await connection.speak(16_000, voice="toy", pace=False, **options)
    for start in range(0, len(text), 5):
        await speech.push(text[start : start + 5])
    await speech.end()
    return await heard(speech)


def test_requests_run_side_by_side_and_each_gets_its_own(server):
    async def run():
        connection = await SpeakConnection.open(server.address)
        try:
            return await asyncio.gather(*(said(connection, text, seed=1) for text in (LONG, TEXT, "അമ്മ വന്നു.")))
        finally:
            await connection.close()

    engine = server.service.engines["toy"]
    for (sound, words), text in zip(asyncio.run(run()), (LONG, TEXT, "അമ്മ വന്നു."), strict=True):
        assert np.array_equal(
            np.frombuffer(sound, "<i2"), to_integers(engine.synthesise(SpeechRequest(text, seed=1)).audio)
        )
        assert "".join(word.text for word in words) == text
        assert all(a.start <= a.end <= b.start for a, b in itertools.pairwise(words))


@pytest.mark.parametrize("text", ["അമ്മ 12,500 രൂപ തന്നു; ₹99.50-ന് വാങ്ങി!", "  അമ്മ ...  വന്നു. 😀 മഴ?"])
def test_the_words_joined_are_the_text(server, text):
    async def run():
        connection = await SpeakConnection.open(server.address)
        words = (await said(connection, text))[1]
        await connection.close()
        return words

    words = asyncio.run(run())
    assert text.startswith("".join(word.text for word in words)) and len(words) > 2


def test_a_request_that_is_left_is_cancelled_and_says_what_was_given_out(server):
    async def run():
        connection = await SpeakConnection.open(server.address)
        speech = await connection.speak(16_000, voice="toy", pace=False)
        await speech.push(LONG)
        await speech.end()
        messages, sound = speech.messages(), 0
        while sound < 2 * 16_000 * 8:
            sound += len(message) if isinstance(message := await anext(messages), bytes) else 0
        await speech.cancel()
        async for _ in messages:
            pass
        await connection.close()
        return speech.ending

    ending = asyncio.run(run())
    assert ending["type"] == "cancelled" and 0 < ending["characters_sent"] < len(LONG)
    assert server.service.streams == 0


def test_a_refusal_is_the_servers_own_sentence(server):
    async def run():
        connection = await SpeakConnection.open(server.address)
        try:
            await heard(await connection.speak(16_000, voice="nobody", text=TEXT))
        finally:
            await connection.close()

    with pytest.raises(RequestRefused, match="no such voice") as caught:
        asyncio.run(run())
    assert caught.value.code == "unknown_voice"


def test_no_server_is_one_sentence():
    with pytest.raises(ClientError, match="could not be spoken to"):
        asyncio.run(SpeakConnection.open("http://127.0.0.1:9"))


def test_a_lost_connection_ends_its_requests_and_the_connector_makes_another(toy_folder):
    async def run(server):
        connector = Connector(server.address)
        connection = await connector.get()
        assert await connector.get() is connection
        speech = await connection.speak(16_000, voice="toy")
        waiting = asyncio.ensure_future(heard(speech))
        await asyncio.sleep(0.1)
        connection._socket.transport.abort()
        with pytest.raises(ClientError, match="lost"):
            await waiting
        again = await connector.get()
        assert again is not connection
        assert (await said(again, "അമ്മ"))[0]
        await connector.close()

    with running(toy_folder) as server:
        asyncio.run(run(server))
