"""The page in Firefox: what is heard is what was sent, in every tab that speaks, reads or converts."""

import base64
import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from swaram.recognition.error_rates import error_rate
from tests.recorded_speech import spoken_clips
from tests.server.firefox import PROGRAM, Firefox
from tests.server.speech_client import TEXT, running

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="not installed: firefox")

DECODED = """(() => {
  const pcm = Int16Array.from(window.swaram.takes[0].view.player.samples, (value) => Math.round(32768 * value));
  let text = '';
  for (const byte of new Uint8Array(pcm.buffer)) text += String.fromCharCode(byte);
  return btoa(text);
})()"""


@pytest.fixture(scope="module")
def listening(toy_voices):
    with running(toy_voices, recognizers=Path(__file__).resolve().parents[2] / "recognizers") as server:
        yield server


@pytest.fixture(scope="module")
def firefox():
    with Firefox() as firefox:
        yield firefox


@pytest.fixture
def page(listening, firefox):
    firefox.open(listening.address)
    firefox.wait_for("document.querySelectorAll('#voice option').length")
    yield firefox
    assert firefox.complaints == []


def give(page: Firefox, selector: str, content: bytes, name: str) -> None:
    """Put a file into an input, as a person who chooses one."""
    page.run(f"""(() => {{
      const bytes = Uint8Array.from(atob('{base64.b64encode(content).decode()}'), (c) => c.charCodeAt(0));
      const files = new DataTransfer();
      files.items.add(new File([bytes], '{name}'));
      const input = document.querySelector('{selector}');
      input.files = files.files;
      input.dispatchEvent(new Event('change'));
    }})()""")


def as_wav(audio: np.ndarray, rate: int) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, audio, rate, format="WAV", subtype="PCM_16")
    return file.getvalue()


def test_samples_decoded_in_firefox_are_samples_sent(page):
    """Whether they are heard is not asked: without a sound device its clock of sound stands still."""
    page.run(f"""(() => {{
      document.getElementById('speed').value = 3;
      const box = document.getElementById('text');
      box.value = {TEXT!r};
      box.dispatchEvent(new Event('input'));
      document.getElementById('form').requestSubmit();
    }})()""")
    done = page.wait_for("['received', 'played'].includes(window.swaram.state) && window.swaram.done")
    assert done["samples"] == page.run("window.swaram.samples") > 10_000
    assert hashlib.md5(base64.b64decode(page.run(DECODED))).hexdigest() == done["md5"]


def test_a_recording_is_written_down_and_a_wav_converted(page):
    clip = spoken_clips()[3]
    page.run("document.getElementById('tab-write').click()")
    give(page, "#open-recording", as_wav(clip.audio, clip.rate), "speech.wav")
    told = page.wait_for("window.swaram.transcript?.state === 'done' && window.swaram.transcript")
    assert error_rate([clip.text], [told["final"]]) < 0.4
    page.run("document.getElementById('tab-convert').click()")
    give(page, "#open-wav", as_wav(clip.audio, clip.rate), "speech.wav")
    done = page.wait_for("window.swaram.converted?.state === 'done' && window.swaram.converted")
    samples = soundfile.read(io.BytesIO(as_wav(clip.audio, clip.rate)), dtype="int16")[0]
    assert done["md5"] == hashlib.md5(samples.tobytes()).hexdigest()


def test_the_page_reads_from_right_to_left_in_urdu(page):
    page.run("""(() => {
      const choice = document.getElementById('page-language');
      choice.value = 'ur';
      choice.dispatchEvent(new Event('change'));
    })()""")
    page.wait_for("document.documentElement.dir === 'rtl'")
    assert page.run("document.documentElement.scrollWidth <= innerWidth")
