"""The page's other tabs, its sister pages, its languages and its keys, in a real browser."""

import hashlib
import io
import time
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile

from swaram.audio.resample import resample
from swaram.recognition.error_rates import error_rate
from swaram.server.pages import FOLDER
from tests.recorded_speech import spoken_clips
from tests.server.browser import Browser, missing_programs
from tests.server.speech_client import running

pytestmark = pytest.mark.skipif(bool(missing_programs()), reason=f"not installed: {missing_programs()}")

ESCAPE, RIGHT, ENTER = "\ue00c", "\ue014", "\ue007"
CODES = (FOLDER / "strings.tsv").read_text(encoding="utf-8").split("\n")[0].split("\t")[1:]
TABS = ("listen", "write", "convert", "see")
# Roles that a person uses, and which therefore need a name.
USED = {"button", "textbox", "combobox", "slider", "spinbutton", "checkbox", "tab", "link", "meter", "tabpanel"}


@pytest.fixture(scope="module")
def listening(toy_voices):
    """A server that speaks with the toy voices and writes down with the recogniser that the project ships."""
    with running(toy_voices, recognizers=Path(__file__).resolve().parents[2] / "recognizers") as server:
        yield server


@pytest.fixture(scope="module")
def said() -> str:
    """What is said into the microphone."""
    return " ".join(clip.text.rstrip(".") for clip in spoken_clips()[:2])


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A browser into whose microphone two sentences are spoken."""
    folder = tmp_path_factory.mktemp("microphone")
    sounds = [resample(clip.audio, clip.rate, 48_000) for clip in spoken_clips()[:2]]
    silence = np.zeros(48_000, dtype=np.float32)
    soundfile.write(folder / "said.wav", np.concatenate([sounds[0], silence, sounds[1], silence]), 48_000)
    with Browser(
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={folder / 'said.wav'}%noloop",
    ) as browser:
        browser.downloads = tmp_path_factory.mktemp("downloads")
        browser.command("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(browser.downloads))
        yield browser


@pytest.fixture
def page(listening, browser):
    """The page, freshly opened, in English."""
    browser.open(listening.address)
    browser.run("localStorage.clear(); sessionStorage.clear()")
    browser.resize(1000)
    browser.open(listening.address)
    browser.wait_for("document.querySelectorAll('#voice option').length")
    browser.logged()
    yield browser
    assert browser.logged() == []


def use_language(browser: Browser, code: str) -> None:
    browser.run(f"const box = document.getElementById('page-language'); box.value = {code!r};"
                "box.dispatchEvent(new Event('change'))")  # fmt: skip


def open_tab(browser: Browser, name: str) -> None:
    browser.run(f"document.getElementById('tab-{name}').click()")


def download(browser: Browser, script: str) -> bytes:
    for old in browser.downloads.iterdir():
        old.unlink()
    browser.run(script)
    deadline = time.monotonic() + 20
    while not (found := [p for p in browser.downloads.iterdir() if p.suffix != ".crdownload" and p.stat().st_size]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.1)
    return found[0].read_bytes()


def press(label: str, within: str) -> str:
    return (
        f"[...document.querySelectorAll('{within} button')].find((one) => one.textContent.includes({label!r})).click()"
    )


def test_what_is_said_into_the_microphone_is_written_while_it_is_said(page, said):
    open_tab(page, "write")
    page.run("""
      window.levels = [];
      setInterval(() => window.levels.push(document.getElementById('level').value), 100);
      document.getElementById('record').click();
    """)
    page.wait_for("window.swaram.transcript?.final", 20)
    assert page.run("return window.swaram.transcript.state") == "hearing"  # a word is settled while one still speaks
    page.wait_for(f"window.swaram.transcript.final.split(' ').length >= {len(said.split()) - 1}", 20)
    page.run("document.getElementById('record').click()")
    told = page.wait_for("window.swaram.transcript.state === 'done' && window.swaram.transcript", 20)
    assert "error" not in told and told["partials"] >= 2
    assert error_rate([said], [told["final"]]) < 0.3
    levels = page.run("return window.levels")
    assert max(levels) > -35 and levels[-1] == -60
    assert page.run("return document.getElementById('transcript').getAttribute('role')") == "log"
    # Its words play: the sound that the microphone gave is kept.
    page.run("document.querySelectorAll('#transcript [role=button]')[2].click()")
    page.wait_for("document.querySelector('#transcript .now')")
    page.keys(ESCAPE)
    sound, rate = soundfile.read(io.BytesIO(download(page, press("WAV", "#write-export"))))
    assert rate == 16_000 and np.abs(sound).max() > 0.05


def test_a_recording_of_any_format_is_written_down_with_words_that_play(page, tmp_path):
    clip = spoken_clips()[3]
    soundfile.write(tmp_path / "speech.ogg", clip.audio, clip.rate, format="OGG", subtype="VORBIS")
    open_tab(page, "write")
    page.choose_file("#open-recording", tmp_path / "speech.ogg")
    told = page.wait_for("window.swaram.transcript?.state === 'done' && window.swaram.transcript", 30)
    assert error_rate([clip.text], [told["final"]]) < 0.4
    words = page.run("return [...document.querySelectorAll('#transcript [role=button]')].map((one) => one.title)")
    assert len(words) == len(told["final"].split()) and all(word.startswith("Confidence: ") for word in words)
    page.run("document.querySelectorAll('#transcript [role=button]')[1].click()")
    page.wait_for("document.querySelector('#transcript .now')")
    page.keys(ESCAPE)
    assert download(page, press("SRT", "#write-export")).startswith(b"1\n00:00:0")
    assert told["final"] in download(page, press("TXT", "#write-export")).decode()


def test_what_is_no_recording_is_one_sentence(page, tmp_path):
    (tmp_path / "notes.wav").write_bytes(b"no sound at all" * 100)
    open_tab(page, "write")
    page.choose_file("#open-recording", tmp_path / "notes.wav")
    page.wait_for("document.getElementById('error').textContent.endsWith('.')")
    open_tab(page, "convert")
    page.choose_file("#open-wav", tmp_path / "notes.wav")
    told = page.wait_for("window.swaram.converted?.state === 'failed' && window.swaram.converted")
    assert page.run("return document.getElementById('error').textContent") == told["error"] != ""
    assert [line for line in page.logged() if "415" not in line] == []


def test_a_wav_comes_back_as_flac_while_it_goes_up(page, tmp_path):
    rng = np.random.default_rng(3)
    samples = (rng.standard_normal((48_000 * 60, 2)) * 3000).astype("<i2")  # 11 MB
    soundfile.write(tmp_path / "long.wav", samples, 48_000, subtype="PCM_16")
    open_tab(page, "convert")
    page.choose_file("#open-wav", tmp_path / "long.wav")
    told = page.wait_for("['done', 'failed'].includes(window.swaram.converted?.state) && window.swaram.converted", 60)
    assert told["state"] == "done" and told["early"]  # frames came before the last bytes had gone
    assert (told["samples"], told["md5"]) == (len(samples), hashlib.md5(samples.tobytes()).hexdigest())
    figures = page.run("return document.getElementById('convert-figures').textContent")
    assert "11.5 MB" in figures and told["md5"] in figures and "48000 Hz · 16 bit · 2" in figures
    back, _ = soundfile.read(io.BytesIO(download(page, press("FLAC", "#convert-result"))), dtype="int16")
    assert np.array_equal(back, samples)


def test_files_may_be_dropped(page):
    samples = np.zeros(4000, dtype="<i2")
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, 8000, format="WAV", subtype="PCM_16")
    open_tab(page, "convert")
    page.run(f"""
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from({list(buffer.getvalue())})], 'dropped.wav'));
      for (const kind of ['dragenter', 'dragover', 'drop']) {{
        const event = new DragEvent(kind, {{dataTransfer: data, cancelable: true}});
        document.getElementById('convert-drop').dispatchEvent(event);
      }}
    """)
    told = page.wait_for("window.swaram.converted?.state === 'done' && window.swaram.converted")
    assert told["samples"] == 4000 and told["md5"] == hashlib.md5(samples.tobytes()).hexdigest()


def test_the_front_end_is_seen_step_by_step_with_notices_at_their_places(page):
    page.run("const box = document.getElementById('text'); box.value = 'ഡോ. രവി 25 കി.മീ. 😀 ഓടി';"
             "box.dispatchEvent(new Event('input'))")  # fmt: skip
    open_tab(page, "see")  # brings the text along, and knows its language
    assert page.run("return document.getElementById('see-language').value") == "ml"
    page.run("document.getElementById('see-form').requestSubmit()")
    page.wait_for("document.querySelectorAll('#see-result table').length === 3")
    assert page.run("return document.querySelector('#see-result mark.dropped').textContent") == "😀"
    assert "GRINNING FACE" in page.run("return document.querySelector('#see-result ol').textContent")
    steps = page.run(
        "return [...document.querySelectorAll('#see-result table:first-of-type tr')].map((r) => r.innerText)"
    )
    assert any("ഡോക്ടർ രവി" in step for step in steps) and any("unchanged" in step for step in steps)
    page.run("document.getElementById('see-word').value = 'രവി'; document.getElementById('see-spelling').value = 'രവീ';"
             "document.getElementById('see-form').requestSubmit()")  # fmt: skip
    page.wait_for("document.querySelector('#see-result table').innerText.includes('ഡോക്ടർ രവീ')")


def test_keys_open_tabs_and_the_list_of_keys_and_focus_stays(page):
    page.run("document.getElementById('tab-listen').focus()")
    page.keys(RIGHT)
    assert page.run("return [document.activeElement.id, document.activeElement.ariaSelected]") == ["tab-write", "true"]
    assert page.run("return document.querySelectorAll('[role=tabpanel]:not([hidden])').length") == 1
    page.keys("4")
    assert page.run("return document.getElementById('panel-see').hidden") is False
    page.keys("1?")
    page.wait_for("document.getElementById('shortcuts').open")
    page.keys(ESCAPE)
    page.wait_for("!document.getElementById('shortcuts').open")
    assert page.run("return document.activeElement.id") == "tab-listen"
    # Letters typed into a text are letters.
    page.run("document.getElementById('text').focus(); document.getElementById('text').value = ''")
    page.keys("p4?")
    assert page.run("return document.getElementById('text').value") == "p4?"
    assert page.run("return document.getElementById('panel-listen').hidden") is False


@pytest.mark.parametrize("code", CODES)
def test_in_every_language_and_width_nothing_hangs_over(page, code):
    use_language(page, code)
    direction = "rtl" if code == "ur" else "ltr"
    assert page.run("return [document.documentElement.lang, document.documentElement.dir]") == [code, direction]
    assert page.run("return document.getElementById('unchecked').hidden") is (code == "en")
    for width in (320, 768, 1920):
        page.resize(width)
        for tab in TABS:
            open_tab(page, tab)
            over = page.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert over <= 0, (code, width, tab)
    if code != "en":
        english = page.run("return document.getElementById('speak').textContent")
        assert english != "Speak"


def test_the_language_is_remembered_and_what_is_there_already_follows(page, listening):
    page.run("document.getElementById('text').value = 'അമ്മ വന്നു.'; document.getElementById('form').requestSubmit()")
    page.wait_for("window.swaram.state === 'played'", 20)
    use_language(page, "ta")
    take = page.run("return document.querySelector('.take').textContent")
    assert "சேமி" in take and "Save" not in take and "First sound" not in take
    page.open(listening.address)
    page.wait_for("document.documentElement.lang === 'ta'")
    assert page.run("return document.getElementById('speak').textContent") == "பேசு"


def test_fonts_of_the_project_are_used_where_a_script_needs_them(page):
    page.run("document.getElementById('text').value = 'అమ్మ ଓଡ଼ିଆ ᱥᱟᱱᱛᱟᱲᱤ ꯃꯩꯇꯩ'")
    page.run("window.fontsReady = false; document.fonts.ready.then(() => { window.fontsReady = true; })")
    page.wait_for("window.fontsReady")
    loaded = page.wait_for(
        "(() => { const names = performance.getEntriesByType('resource').map((one) => one.name.split('/').pop());"
        "const wanted = ['telugu', 'oriya', 'ol-chiki', 'meetei-mayek'].map((name) => name + '.woff2');"
        "return wanted.every((name) => names.includes(name)); })()"
    )
    assert loaded


def names_of(browser: Browser) -> list[tuple[str, str]]:
    """Role and accessible name of everything that a person uses."""
    nodes = browser.command("Accessibility.getFullAXTree")["nodes"]
    found = []
    for node in nodes:
        role = node.get("role", {}).get("value", "")
        if not node.get("ignored") and role in USED:
            found.append((role, node.get("name", {}).get("value", "").strip()))
    return found


@pytest.mark.parametrize("code", ["en", "ur"])
def test_everything_that_one_uses_has_a_name(page, code):
    page.run("document.getElementById('text').value = 'അമ്മ വന്നു.'; document.getElementById('form').requestSubmit()")
    page.wait_for("window.swaram.state === 'played'", 20)
    use_language(page, code)
    count = 0
    for tab in TABS:
        open_tab(page, tab)
        named = names_of(page)
        count += len(named)
        assert all(name for _, name in named), [one for one in named if not one[1]]
    assert count > 60


def test_what_happens_is_said_to_those_who_do_not_see_it(page):
    page.run("""
      window.said = [];
      for (const id of ['message', 'error']) {
        new MutationObserver(() => window.said.push(document.getElementById(id).textContent))
          .observe(document.getElementById(id), { childList: true, characterData: true, subtree: true });
      }
      document.getElementById('text').value = 'അമ്മ വന്നു.';
      document.getElementById('form').requestSubmit();
    """)
    page.wait_for("window.swaram.state === 'played'", 20)
    said = [one for one in page.run("return window.said") if one]
    assert said[0] == "Speaking…" and said[-1].startswith("Complete: ")
    assert page.run("return document.getElementById('message').getAttribute('role')") == "status"


def test_the_operators_page_tells_what_happened(page, listening):
    page.open(f"{listening.address}/operate")
    page.wait_for("document.querySelectorAll('#voices tr').length === 2")
    page.run("fetch('v1/audio/speech', {method: 'POST', headers: {'Content-Type': 'application/json'},"
             "body: JSON.stringify({input: 'அம்மா', voice: 'toy-tamil'})}).then((one) => one.blob());"
             "const socket = new WebSocket(location.href.replace('http', 'ws').replace('operate', 'v1/speak'));"
             "const start = JSON.stringify({type: 'start', voice: 'none', text: 'a'});"
             "socket.onopen = () => socket.send(start)")  # fmt: skip
    page.wait_for(
        "[...document.querySelectorAll('#first tr')].some((row) => row.cells[0].textContent === 'toy-tamil'"
        " && row.cells[1].textContent === '1' && /ms$/.test(row.cells[3].textContent))"
    )
    page.wait_for("document.getElementById('refused').textContent.includes('unknown_voice')")
    assert page.run("return document.getElementById('now').textContent").startswith("Statetakes listeners")
    assert "now 0" in page.run("return document.getElementById('listeners').getAttribute('aria-label')")


def test_the_interface_is_described_and_tried_without_the_internet(page, listening):
    page.open(f"{listening.address}/docs")
    page.wait_for("document.querySelectorAll('details').length > 8")
    told = httpx.get(f"{listening.address}/openapi.json").json()
    shown = page.run("return [...document.querySelectorAll('summary code')].map((one) => one.textContent)")
    assert sorted(shown) == sorted(f"{m.upper()} {path}" for path, methods in told["paths"].items() for m in methods)
    page.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    page.run(press("Try /v1/voices", "details"))
    page.wait_for("document.querySelector('pre')?.textContent.includes('toy-tamil')")
    page.run(press("Try /v1/text", "details"))
    page.wait_for("[...document.querySelectorAll('pre')].some((one) => one.textContent.includes('ഇരുപത്തിയഞ്ച്'))")
    addresses = page.run("return performance.getEntriesByType('resource').map(entry => entry.name)")
    assert addresses and all(address.startswith((listening.address, "data:")) for address in addresses)
    page.resize(320)
    assert page.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
