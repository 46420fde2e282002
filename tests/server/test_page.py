"""The page's first tab in a real browser: what is heard is what was sent, whatever happens on the way."""

import base64
import hashlib
import io
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile

from swaram.audio.flac import BLOCK_SAMPLES, FlacEncoder
from swaram.recognition import Transcript
from swaram.recognition.captions import subrip, web_vtt
from swaram.recognition.recognizer import Word
from swaram.server.keys import add_key
from swaram.server.run import listen, make_server
from swaram.server.settings import ServerSettings
from tests.server.browser import Browser, missing_programs
from tests.server.speech_client import TEXT, running

pytestmark = pytest.mark.skipif(bool(missing_programs()), reason=f"not installed: {missing_programs()}")

ESCAPE = "\ue00c"
TAKE = "window.swaram.takes[0]"
PLAYER = f"{TAKE}.view.player"
# Collects, from now on, every sample that is scheduled to be heard.
LISTEN = """
  window.heard = [];
  const until = setInterval(() => {
    const take = window.swaram.takes[0];
    if (!take || take.watched) return;
    take.watched = true;
    take.view.player.addEventListener('scheduled', (event) => window.heard.push(event.detail.samples));
    clearInterval(until);
  }, 0);
"""
AS_PCM = """
  const pcm = [];
  for (const block of window.heard) for (const value of block) pcm.push(Math.round(value * 32768));
  const bytes = new Uint8Array(Int16Array.from(pcm).buffer);
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """One browser for this file; what it saves goes into ``browser.downloads``."""
    with Browser() as browser:
        browser.downloads = tmp_path_factory.mktemp("downloads")
        browser.command("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(browser.downloads))
        yield browser


@pytest.fixture(autouse=True)
def _nothing_to_complain_about(browser):
    """No test leaves a word in the browser's console but those about servers that were stopped on purpose."""
    browser.logged()
    yield
    assert [line for line in browser.logged() if "ERR_" not in line and "status of" not in line] == []


def open_page(browser: Browser, address: str) -> None:
    browser.open(address)
    browser.wait_for("document.querySelectorAll('#voice option').length")


def type_and_speak(browser: Browser, text: str = TEXT, watch: bool = False, speed: float = 3) -> None:
    """Press Speak; fast speech, because a player takes as long as it plays."""
    watching = LISTEN if watch else ""
    browser.run(
        f"{watching} window.swaram.state = 'idle'; document.getElementById('speed').value = {speed};"
        f"const box = document.getElementById('text'); box.value = {text!r};"
        "box.dispatchEvent(new Event('input')); document.getElementById('form').requestSubmit()"
    )


def heard_md5(browser: Browser) -> str:
    return hashlib.md5(base64.b64decode(browser.run(AS_PCM))).hexdigest()


def saved(browser: Browser, name: str) -> bytes:
    """The bytes of a file that a button saves."""
    for old in browser.downloads.iterdir():
        old.unlink()
    browser.run(f"[...document.querySelectorAll('.take button')].find((one) => one.textContent === {name!r}).click()")
    deadline = time.monotonic() + 20
    while not (found := [p for p in browser.downloads.iterdir() if p.suffix != ".crdownload" and p.stat().st_size]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.1)
    return found[0].read_bytes()


def test_samples_heard_are_samples_sent(server, browser):
    open_page(browser, server.address)
    type_and_speak(browser, watch=True, speed=2)
    browser.wait_for("window.swaram.samples > 0 && window.swaram.state === 'speaking'")  # sound before the end
    done = browser.wait_for("window.swaram.state === 'played' && window.swaram.done", 30)
    state = browser.run("return {...window.swaram, takes: null}")
    assert state["error"] is None and 0.05 < state["peak"] <= 1
    assert state["samples"] == done["samples"] > 16_000
    assert heard_md5(browser) == done["md5"]
    assert 0 < state["firstAudioMs"] < 5000
    figures = browser.run("return document.querySelector('.figures').textContent")
    assert "WebCodecs" in figures and " ms" in figures


def test_loud_samples_are_decoded_as_they_were(server, browser):
    """A browser that makes numbers of integers by itself may scale those above 0 by another number."""
    samples = (32_767 * np.sin(np.arange(20_000) / 7)).astype(np.int16)
    encoder = FlacEncoder(16_000)
    frames = [*encoder.encode(samples[:, None]), *encoder.finish()]
    told = [base64.b64encode(part).decode() for part in (encoder.header, *frames)]
    open_page(browser, server.address)
    started = {"format": "flac", "sample_rate": 16_000, "channels": 1, "block_samples": BLOCK_SAMPLES}
    browser.run(f"""
      window.heard = [];
      (async () => {{
        const {{ Decoder }} = await import('./page/client/player.js');
        const decoder = new Decoder({json.dumps(started)}, (block) => window.heard.push(block), (e) => {{ throw e; }});
        {json.dumps(told)}.forEach((part, i) =>
          decoder.push({{ header: i === 0, data: Uint8Array.from(atob(part), (c) => c.charCodeAt(0)) }}));
        await decoder.finish();
        window.decoded = true;
      }})();
    """)
    browser.wait_for("window.decoded")
    assert heard_md5(browser) == hashlib.md5(samples.tobytes()).hexdigest()


def test_what_the_sound_device_gets_is_the_same_sample_for_sample(server, browser):
    open_page(browser, server.address)
    type_and_speak(browser)
    browser.wait_for("window.swaram.state === 'played'", 30)
    browser.run(f"""
      const player = {PLAYER};
      player.context.audioWorklet.addModule('page/js/recorder.js').then(() => {{
        const node = new AudioWorkletNode(player.context, 'recorder', {{ numberOfOutputs: 0 }});
        window.rendered = [];
        node.port.onmessage = (event) => window.rendered.push(...event.data);
        player.gain.connect(node);
        {TAKE}.view.replay();
      }});
    """)
    browser.wait_for(f"window.rendered?.length && {PLAYER}.state === 'ended'", 30)
    time.sleep(0.3)
    told = browser.run(f"""
      const sent = {PLAYER}.samples, heard = window.rendered;
      const first = (values) => values.findIndex((value) => value !== 0);
      const [a, b] = [first(sent), first(heard)];
      let different = 0;
      for (let i = 0; a + i < sent.length; i++) if (sent[a + i] !== (heard[b + i] ?? 0)) different++;
      return {{ different, length: sent.length, rate: {PLAYER}.context.sampleRate }};
    """)
    assert told == {"different": 0, "length": told["length"], "rate": 16_000}


def test_without_webcodecs_the_stream_is_pcm_and_plays_as_it_comes(server, browser):
    open_page(browser, server.address)
    browser.run("delete window.AudioDecoder")
    type_and_speak(browser, watch=True, speed=2)
    browser.wait_for("window.swaram.samples > 0 && window.swaram.state === 'speaking'")
    done = browser.wait_for("window.swaram.state === 'played' && window.swaram.done", 30)
    assert heard_md5(browser) == done["md5"]
    assert "PCM" in browser.run("return document.querySelector('.figures').textContent")
    samples, _ = soundfile.read(io.BytesIO(saved(browser, "FLAC")), dtype="int16")
    assert hashlib.md5(samples.tobytes()).hexdigest() == done["md5"]


def test_errors_are_said_and_what_cannot_be_spoken_leaves_nothing(server, browser):
    open_page(browser, server.address)
    type_and_speak(browser, "😀")
    browser.wait_for("document.getElementById('error').textContent.includes('no words')")
    assert browser.run("return document.getElementById('error').getAttribute('role')") == "alert"
    assert browser.run(f"return {PLAYER}.length") == 0


def test_escape_stops_and_what_has_come_stays(server, browser):
    open_page(browser, server.address)
    type_and_speak(browser, " ".join([TEXT] * 20))
    browser.wait_for(f"{PLAYER}?.length > 20000")
    browser.run("document.getElementById('stop').focus()")
    browser.keys(ESCAPE)
    browser.wait_for("document.getElementById('stop').disabled && window.swaram.state === 'stopped'")
    assert "what has come stays" in browser.run("return document.getElementById('message').textContent")
    assert browser.run("return document.activeElement.id") == "speak"  # the focus is not lost with the button
    kept = browser.run(f"return {PLAYER}.length")
    assert kept > 20_000
    samples, rate = soundfile.read(io.BytesIO(saved(browser, "FLAC")), dtype="int16")
    assert len(samples) == kept and rate == 16_000
    browser.run(f"{TAKE}.view.replay()")
    browser.wait_for(f"{PLAYER}.position > 4000")
    browser.run(f"{TAKE}.view.player.pause()")


@contextmanager
def stoppable(voices: Path, port: int = 0) -> Iterator[tuple[int, object]]:
    """A server on a port that can be used again."""
    listener = listen("127.0.0.1", port)
    made = make_server(ServerSettings(voices=voices, workers=2, breather=0.0, drain_timeout=0.2))
    thread = threading.Thread(target=made.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not made.started:
        time.sleep(0.01)
    try:
        yield listener.getsockname()[1], made
    finally:
        made.should_exit = True
        thread.join(20)
        listener.close()


def test_a_server_that_goes_and_comes_back(toy_voices, browser):
    with stoppable(toy_voices) as (port, _):
        open_page(browser, f"http://127.0.0.1:{port}/")
        type_and_speak(browser, " ".join([TEXT] * 20))
        browser.wait_for(f"{PLAYER}?.length > 20000")
    browser.wait_for("window.swaram.state === 'failed'", 10)
    assert "what has come stays" in browser.run("return document.getElementById('error').textContent")
    assert browser.run(f"return {PLAYER}.length") > 20_000
    browser.run(f"{PLAYER}.pause()")
    rest = "[...document.querySelectorAll('.take button')].find((one) => one.textContent === 'Speak the rest')"
    browser.run(f"window.swaram.state = ''; {rest}.click()")
    browser.wait_for("window.swaram.state === 'failed'", 10)
    assert browser.run("return document.querySelectorAll('.take button').length") == 2  # nothing came: nothing to save
    with stoppable(toy_voices, port):
        browser.run(f"document.querySelector('#history button').click(); {rest}.click()")
        browser.wait_for(f"{PLAYER}?.length > 20000")
        text = browser.run(f"return {TAKE}.text")
        assert " ".join([TEXT] * 20).endswith(text) and 0 < len(text) < 20 * len(TEXT)
        assert text.lstrip()[:7] in [sentence.lstrip()[:7] for sentence in TEXT.replace("!", ".").split(".")]
        browser.keys(ESCAPE)
        type_and_speak(browser, "അമ്മ വന്നു.")
        done = browser.wait_for("window.swaram.state === 'played' && window.swaram.done", 20)
        assert browser.run("return window.swaram.samples") == done["samples"]


@contextmanager
def slow_line(port: int, bytes_a_second: int) -> Iterator[int]:
    """A port that passes bytes on to a server, and its WebSockets' answers at so many bytes a second."""
    listener = socket.create_server(("127.0.0.1", 0))
    open_ends: list[socket.socket] = [listener]

    def carry(source: socket.socket, target: socket.socket, slow: bool) -> None:
        speech = False
        with suppress(OSError):
            while data := source.recv(1024):
                target.sendall(data)
                speech = speech or data.startswith(b"HTTP/1.1 101")
                time.sleep(len(data) / bytes_a_second if slow and speech else 0)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def accept() -> None:
        with suppress(OSError):
            while True:
                near = listener.accept()[0]
                far = socket.create_connection(("127.0.0.1", port))
                open_ends.extend((near, far))
                threading.Thread(target=carry, args=(near, far, False), daemon=True).start()
                threading.Thread(target=carry, args=(far, near, True), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        for end in open_ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def test_on_a_slow_line_sound_waits_and_nothing_is_lost_or_doubled(server, browser):
    own = int(server.address.rstrip("/").rpartition(":")[2])
    with slow_line(own, 11_000) as port:  # the FLAC needs about 18,000
        open_page(browser, f"http://127.0.0.1:{port}/")
        type_and_speak(browser, watch=True, speed=2)
        browser.wait_for("window.heard.length > 0")
        browser.wait_for(f"{PLAYER}.state === 'waiting'", 20)
        done = browser.wait_for("window.swaram.state === 'played' && window.swaram.done", 60)
        assert heard_md5(browser) == done["md5"]


def test_one_seeks_by_word_by_key_and_by_click(server, browser):
    open_page(browser, server.address)
    type_and_speak(browser)
    browser.wait_for("window.swaram.state === 'played'", 30)
    words = browser.run(f"return {TAKE}.view.words.map((word) => [word.text, word.from, word.to])")
    assert [word for word, *_ in words] == TEXT.replace(".", "").replace("!", "").replace("?", "").split()
    browser.run(f"{TAKE}.view.words[4].element.click()")
    browser.wait_for("document.querySelector('.words .now')")
    assert browser.run("return document.querySelector('.words .now').textContent") == words[4][0]
    at = browser.run(f"{PLAYER}.pause(); return {PLAYER}.position")
    assert words[4][1] <= at < words[4][1] + 16_000
    # Arrow keys go from word to word, one tab stop for all of them; Enter plays from there.
    browser.run(f"{TAKE}.view.words[0].element.focus()")
    browser.keys("\ue014\ue014")
    assert browser.run("return document.activeElement.textContent") == words[2][0]
    assert browser.run("return document.querySelectorAll('.words [tabindex=\"0\"]').length") == 1
    browser.keys("\ue007")
    browser.wait_for(f"{PLAYER}.playing")
    browser.run("document.querySelector('.overview').dispatchEvent(new MouseEvent('click', "
                "{clientX: document.querySelector('.overview').getBoundingClientRect().left + 2}))")  # fmt: skip
    assert browser.run(f"{PLAYER}.pause(); return {PLAYER}.position") < 8000
    browser.run("document.querySelector('h1').click(); document.activeElement.blur()")
    browser.keys("l")
    end = browser.run(f"return {PLAYER}.length")
    assert browser.run(f"return {PLAYER}.position") == pytest.approx(min(end, 5 * 16_000), abs=8000)
    browser.keys("p")
    browser.wait_for(f"{PLAYER}.playing || {PLAYER}.state === 'ended'")


def test_speed_keeps_the_pace_volume_and_repeat_do_as_they_say(server, browser):
    open_page(browser, server.address)
    type_and_speak(browser, "അമ്മ വന്നു.")
    browser.wait_for("window.swaram.state === 'played'", 30)
    length = browser.run(f"return {PLAYER}.length")
    browser.run(LISTEN + f"{TAKE}.watched = false; const box = document.querySelector('.player select');"
                "box.value = '2'; box.dispatchEvent(new Event('change'));")  # fmt: skip
    browser.run(f"{TAKE}.view.replay()")
    browser.wait_for(f"{PLAYER}.state === 'ended'", 20)
    twice = browser.run("return window.heard.reduce((sum, block) => sum + block.length, 0)")
    assert twice == pytest.approx(length / 2, rel=0.15)
    browser.run("const box = document.querySelector('.player select'); box.value = '1';"
                "box.dispatchEvent(new Event('change'));"
                "document.querySelector('.player input[type=checkbox]').click();"
                f"window.heard = []; {TAKE}.view.replay()")  # fmt: skip
    browser.wait_for(f"window.heard.reduce((sum, block) => sum + block.length, 0) > 2.2 * {length}", 20)
    browser.run("document.querySelector('.player input[type=checkbox]').click();"
                "const range = document.querySelectorAll('.player input[type=range]')[1];"
                "range.value = 0; range.dispatchEvent(new Event('input'));")  # fmt: skip
    browser.wait_for(f"{PLAYER}.gain.gain.value < 0.01")
    browser.run(f"{PLAYER}.pause()")


def test_two_settings_side_by_side_and_the_history_of_the_tab(server, browser):
    open_page(browser, server.address)
    type_and_speak(browser, "അമ്മ വന്നു.")
    browser.wait_for("window.swaram.state === 'played'", 30)
    browser.run("document.getElementById('compare').click();"
                "document.getElementById('second-speaker').selectedIndex = 1")  # fmt: skip
    type_and_speak(browser)
    browser.wait_for(
        "window.swaram.takes.length === 2 && window.swaram.takes.every((one) => one.state === 'received')", 30
    )
    ids = browser.run("return window.swaram.takes.map((one) => one.settings.speaker)")
    assert ids[0] != ids[1]
    browser.run("window.swaram.takes[0].view.words[3].element.click(); document.getElementById('switch').click()")
    told = browser.run("return window.swaram.takes.map((one) => [one.view.player.playing, one.view.words[3].from,"
                       "one.view.player.cursor])")  # fmt: skip
    assert [playing for playing, *_ in told] == [False, True]
    assert told[1][2] >= told[1][1]
    browser.run("document.activeElement.blur()")
    browser.keys("x")
    browser.wait_for("window.swaram.takes[0].view.player.playing && !window.swaram.takes[1].view.player.playing")
    assert browser.run("return document.querySelectorAll('#history li').length") == 2
    browser.run("document.querySelector('#history button').focus(); document.activeElement.click()")
    assert browser.run("return document.activeElement.closest('#history li:first-child') !== null")
    assert browser.run("return document.querySelectorAll('.take').length") == 1
    assert browser.run("return document.querySelector('.take .words').textContent") == "അമ്മ വന്നു."


def test_what_is_saved(server, browser):
    open_page(browser, server.address)
    type_and_speak(browser)
    done = browser.wait_for("['received', 'played'].includes(window.swaram.state) && window.swaram.done", 30)
    for name, begins in (("FLAC", b"fLaC"), ("WAV", b"RIFF")):
        content = saved(browser, name)
        samples, rate = soundfile.read(io.BytesIO(content), dtype="int16")
        assert content.startswith(begins)
        assert (rate, hashlib.md5(samples.tobytes()).hexdigest()) == (16_000, done["md5"])
    for name in ("MP3", "Opus"):
        samples, rate = soundfile.read(io.BytesIO(saved(browser, name)))
        assert len(samples) / rate == pytest.approx(done["seconds"], abs=0.2)


def test_captions_of_the_page_are_those_of_the_server(server, browser):
    open_page(browser, server.address)
    type_and_speak(browser)
    browser.wait_for("['received', 'played'].includes(window.swaram.state) && window.swaram.done", 30)
    words = browser.run(f"return {TAKE}.view.timedWords()")
    transcript = Transcript("", [Word(word["text"], word["start"], word["end"]) for word in words])
    assert saved(browser, "SRT").decode() == subrip(transcript)
    assert saved(browser, "VTT").decode() == web_vtt(transcript)


def test_a_link_holds_text_and_settings(server, browser):
    open_page(browser, server.address)
    browser.run("document.getElementById('text').value = 'അമ്മ & അച്ഛൻ #1';"
                "document.getElementById('speed').value = 1.5; document.getElementById('speaker').selectedIndex = 1;"
                "document.getElementById('seed').value = 7; document.getElementById('copy-link').click()")  # fmt: skip
    link = browser.wait_for("window.swaram.copied")
    assert "അമ്മ" not in link.split("#")[0]
    browser.open("about:blank")
    open_page(browser, link)
    told = browser.run("return ['text', 'speed', 'speaker', 'seed'].map((id) => document.getElementById(id).value)")
    assert told == ["അമ്മ & അച്ഛൻ #1", "1.5", "1", "7"]


def test_commands_do_what_the_page_does(server, browser, tmp_path):
    open_page(browser, server.address)
    browser.run("document.getElementById('text').value = \"അമ്മ 'വന്നു'.\";"
                "document.getElementById('seed').value = 3")  # fmt: skip
    told = {}
    for name in ("curl", "python", "javascript"):
        browser.run(f"window.swaram.copied = null; document.getElementById('copy-{name}').click()")
        told[name] = browser.wait_for("window.swaram.copied")
    browser.run("document.querySelectorAll('dialog[open]').forEach((one) => one.close());"
                "document.getElementById('form').requestSubmit()")  # fmt: skip
    done = browser.wait_for("['received', 'played'].includes(window.swaram.state) && window.swaram.done", 30)
    subprocess.run(["sh", "-c", told["curl"].replace("curl ", "curl --noproxy '*' -s ", 1)], cwd=tmp_path, check=True)
    found = [soundfile.read(tmp_path / "speech.flac", dtype="int16")[0]]
    subprocess.run([sys.executable, "-c", told["python"]], cwd=tmp_path, check=True)
    found.append(soundfile.read(tmp_path / "speech.flac", dtype="int16")[0])
    for samples in found:
        assert hashlib.md5(samples.tobytes()).hexdigest() == done["md5"]
    body = told["javascript"].split("\n", 2)[2]
    module = f"{server.address}/page/client/swaram.js"
    browser.run(f"import('{module}').then(async ({{SwaramClient}}) => {{ {body} window.made = file.size; }})")
    assert browser.wait_for("window.made") > 1000


def test_a_text_file_is_read_whole(server, browser, tmp_path):
    open_page(browser, server.address)
    text = "അമ്മ വന്നു. " * 600
    (tmp_path / "long.txt").write_text(text, encoding="utf-8")
    browser.choose_file("#open-text", tmp_path / "long.txt")
    browser.wait_for(f"document.getElementById('text').value.length === {len(text)}")
    assert "7200" in browser.run("return document.getElementById('count').textContent")
    browser.run("document.getElementById('form').requestSubmit()")
    browser.wait_for(f"{PLAYER}?.length > 8000")
    assert browser.run("return document.querySelector('.take .words').textContent") == text
    browser.keys(ESCAPE)


def test_with_keys_the_page_asks_for_one_and_forgets_it_with_the_tab(toy_voices, browser, tmp_path):
    key = add_key(tmp_path / "keys.json", "reader")
    with running(toy_voices, keys=tmp_path / "keys.json") as server:
        open_page(browser, server.address)
        type_and_speak(browser, "അമ്മ വന്നു.")
        browser.wait_for("document.getElementById('error').textContent.includes('key')")
        assert browser.run("return document.activeElement.id") == "key"
        browser.run(f"const box = document.getElementById('key'); box.value = {key!r};"
                    "box.dispatchEvent(new Event('input'))")  # fmt: skip
        type_and_speak(browser, "അമ്മ വന്നു.")
        browser.wait_for("window.swaram.state === 'played'", 30)
        assert browser.run("return sessionStorage.getItem('key')") == key
        assert browser.run(f"return JSON.stringify(localStorage).includes({key!r})") is False
        browser.run("window.swaram.copied = null; document.getElementById('copy-curl').click()")
        told = browser.wait_for("window.swaram.copied")
        assert "$SWARAM_KEY" in told and key not in told
        browser.run("document.querySelectorAll('dialog[open]').forEach((one) => one.close())")


def test_below_a_prefix_everything_is_found(toy_voices, browser):
    with running(toy_voices, root_path="/tts") as server:
        open_page(browser, f"{server.address}/tts/")
        type_and_speak(browser, "അമ്മ വന്നു.")
        done = browser.wait_for("window.swaram.state === 'played' && window.swaram.done", 20)
        assert browser.run("return window.swaram.samples") == done["samples"]
        for page in ("operate", "docs"):
            browser.open(f"{server.address}/tts/{page}")
            browser.wait_for("document.querySelectorAll('#voices tr, details').length > 1")


def test_a_text_of_another_script_is_noticed(server, browser):
    open_page(browser, server.address)

    def notice(text: str) -> str:
        browser.run(f"const box = document.getElementById('text'); box.value = {text!r};"
                    "box.dispatchEvent(new Event('input'))")  # fmt: skip
        hidden = browser.run("return document.getElementById('script-notice').hidden")
        return "" if hidden else browser.run("return document.getElementById('script-notice').textContent")

    assert notice("അമ്മ വന്നു. Hello!") == ""
    assert "Tamil" in notice("அம்மா வந்தாள்.") and "toy-tamil" in notice("அம்மா வந்தாள்.")
    browser.run("document.querySelector('#script-notice button').click()")
    assert browser.run("return document.getElementById('voice').value") == "toy-tamil"
    assert notice("அம்மா வந்தாள்.") == ""
    assert "Telugu" in notice("అమ్మ వచ్చింది.") and "swaram voice add" in notice("అమ్మ వచ్చింది.")
    assert "Assamese" in notice("মই ভাত খাওঁ, ৰাতি।") and "Urdu" in notice("میں گھر جا رہا ہوں")
    assert browser.run("return document.getElementById('text').lang") == "ur"


def test_the_page_loads_nothing_from_elsewhere(server, browser):
    open_page(browser, server.address)
    browser.wait_for("document.querySelectorAll('#voice option').length === 2")
    addresses = browser.run("return performance.getEntriesByType('resource').map(entry => entry.name)")
    assert addresses and all(address.startswith((server.address, "data:")) for address in addresses)
