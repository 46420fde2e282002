"""The page in a real browser: the stream is decoded and played as it comes."""

import pytest

from tests.server.browser import Browser, missing_programs
from tests.server.speech_client import TEXT

pytestmark = pytest.mark.skipif(bool(missing_programs()), reason=f"not installed: {missing_programs()}")


@pytest.fixture(scope="module")
def browser():
    """One browser for this file."""
    with Browser() as browser:
        yield browser


def type_and_speak(browser: Browser, text: str = TEXT) -> None:
    browser.wait_for("document.querySelectorAll('#voice option').length")
    browser.run(f"document.getElementById('text').value = {text!r}; document.getElementById('form').requestSubmit()")


def test_every_sample_of_the_stream_is_decoded_and_scheduled(server, browser):
    browser.open(server.address)
    type_and_speak(browser)
    browser.wait_for("window.swaram.samples > 0 && window.swaram.state === 'speaking'")  # sound before the end
    done = browser.wait_for("window.swaram.state === 'received' && window.swaram.done", 30)
    state = browser.run("return window.swaram")
    assert state["error"] is None
    assert state["samples"] == done["samples"] > 16_000
    assert 0.05 < state["peak"] <= 1
    assert browser.run("return document.getElementById('way').textContent") == "WebCodecs"
    assert browser.run("return document.getElementById('ttfa').textContent").endswith(" ms")


def test_without_webcodecs_the_whole_file_is_played(server, browser):
    browser.open(server.address)
    browser.run("delete window.AudioDecoder")
    type_and_speak(browser, "അമ്മ വന്നു.")
    done = browser.wait_for("['received', 'played'].includes(window.swaram.state) && window.swaram.done", 30)
    assert browser.run("return window.swaram.samples") == done["samples"]
    browser.wait_for("window.swaram.state === 'played'")


def test_errors_are_shown_and_stop_stops(server, browser):
    browser.open(server.address)
    type_and_speak(browser, "😀")
    browser.wait_for("document.getElementById('message').textContent.includes('no words')")
    type_and_speak(browser, " ".join([TEXT] * 20))
    browser.wait_for("window.swaram.samples > 0")
    browser.run("document.getElementById('stop').click()")
    browser.wait_for("!document.getElementById('speak').disabled && window.swaram.state === 'stopped'")


def test_the_page_loads_nothing_from_elsewhere(server, browser):
    browser.open(server.address)
    browser.wait_for("document.querySelectorAll('#voice option').length === 2")
    addresses = browser.run("return performance.getEntriesByType('resource').map(entry => entry.name)")
    assert addresses and all(address.startswith((server.address, "data:")) for address in addresses)
