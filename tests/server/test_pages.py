"""The files of the page: how they are served, words of every language, fonts of every script, colours that contrast."""

import re

import httpx
import pytest
from fontTools.ttLib import TTFont

from swaram.languages import LANGUAGES, SCRIPTS
from swaram.server.pages import DOCUMENTS, FOLDER
from swaram.text.symbols import letters_of

TABLE = [line.split("\t") for line in (FOLDER / "strings.tsv").read_text(encoding="utf-8").splitlines()]
CODES = TABLE[0][1:]
# The interfaces that were asked for, and the script each is written in.
INTERFACES = {"en", "ml", "ta", "te", "kn", "bn", "mr", "gu", "pa", "or", "as", "ur"}


@pytest.mark.parametrize("path", [*DOCUMENTS, "/page/js/main.js", "/page/css/page.css", "/page/fonts/telugu.woff2"])
def test_every_file_has_a_strict_policy_and_is_sent_once(server, path):
    answer = httpx.get(server.address + path)
    policy = answer.headers["content-security-policy"]
    assert answer.status_code == 200 and answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in policy and "unsafe" not in policy and "script-src 'self'" in policy
    again = httpx.get(server.address + path, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304 and not again.content


@pytest.mark.parametrize(
    "path", ["/page/", "/page/none.js", "/page/../app.py", "/page/..%2f..%2fapp.py", "/page//etc/passwd", "/page/js"]
)
def test_nothing_else_is_served(server, path):
    answer = httpx.get(server.address + path)
    assert answer.status_code == 404 and set(answer.json()["error"]) >= {"code", "message"}


def test_no_file_names_another_host_and_no_markup_holds_script_or_style():
    names = {"http://www.w3.org/2000/svg"}  # a namespace, which is never fetched
    for path in FOLDER.rglob("*"):
        if path.suffix in (".html", ".css", ".js", ".svg", ".tsv"):
            text = path.read_text(encoding="utf-8")
            assert set(re.findall(r"https?://[\w./-]+", text)) <= names, path
            if path.suffix == ".html":
                assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]*src=)", text), path


def test_the_page_is_light():
    fonts = sum(path.stat().st_size for path in FOLDER.glob("fonts/*"))
    rest = sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) - fonts
    assert fonts < 1_500_000 and rest < 400_000
    assert max(len(path.read_text().splitlines()) for path in FOLDER.glob("js/*.js")) <= 400


def test_every_word_stands_in_every_language():
    assert set(CODES) == INTERFACES
    assert all(len(row) == len(TABLE[0]) and all(cell.strip() for cell in row) for row in TABLE)
    keys = [row[0] for row in TABLE[1:]]
    assert len(keys) == len(set(keys))
    for key, *words in TABLE[1:]:
        places = set(re.findall(r"\{\w+\}", words[0]))
        for code, text in zip(CODES, words, strict=True):
            assert set(re.findall(r"\{\w+\}", text)) == places, (key, code)


def test_words_are_in_the_script_of_their_language():
    scripts = {code: LANGUAGES[code].script for code in INTERFACES - {"en"}}
    for key, *words in TABLE[1:]:
        for code, text in zip(CODES, words, strict=True):
            letters = [letter for letter in text if letter.isalpha() and ord(letter) > 0x24F]
            if code != "en" and not key.startswith("_"):
                assert all(scripts[code].holds(letter) for letter in letters), (key, code)


def test_only_what_somebody_checked_is_marked_as_checked():
    checked = dict(zip(CODES, next(row for row in TABLE if row[0] == "_checked")[1:], strict=True))
    assert checked == {code: "yes" if code == "en" else "no" for code in CODES}


def test_what_the_page_asks_for_is_in_the_table():
    keys = {row[0] for row in TABLE}
    used = set()
    for path in [*FOLDER.glob("js/*.js"), *FOLDER.glob("*.html")]:
        text = path.read_text(encoding="utf-8")
        used |= set(re.findall(r'\bt\("(\w+)"', text)) | set(re.findall(r'data-t="(\w+)"', text))
    assert len(used) > 80 and used <= keys


def test_fonts_hold_every_letter_of_every_language():
    have: set[int] = set()
    for path in FOLDER.glob("fonts/*.woff2"):
        have |= set(TTFont(path).getBestCmap())
    for code in LANGUAGES:
        missing = {letter for letter in letters_of(code) if letter.isprintable() and ord(letter) not in have}
        assert not missing, (code, missing)


def test_every_script_has_a_font_of_its_own():
    faces = (FOLDER / "fonts" / "fonts.css").read_text()
    for name, script in SCRIPTS.items():
        first = script.ranges[0][0]
        ranges = [re.findall(r"U\+([0-9A-F]+)-([0-9A-F]+)", line) for line in faces.splitlines() if "range" in line]
        assert any(int(a, 16) <= first <= int(b, 16) for spans in ranges for a, b in spans), name
        assert (FOLDER / "fonts" / f"{name.lower().replace(' ', '-')}.woff2").exists()
    assert "SIL OPEN FONT LICENSE" in (FOLDER / "fonts" / "OFL.txt").read_text()


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(a: str, b: str) -> float:
    """The ratio of WCAG 2.2."""
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1])
def test_text_contrasts_and_edges_of_controls_are_seen(scheme):
    blocks = re.findall(r":root \{(.*?)\}", (FOLDER / "css" / "page.css").read_text(), re.S)
    raw = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]+)", blocks[scheme]))
    colours = {
        name: "#" + "".join(c * 2 for c in value[1:]) if len(value) == 4 else value for name, value in raw.items()
    }
    for ground in ("paper", "card"):
        for text in ("ink", "soft", "leaf", "bad", "low"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
        assert contrast(colours["edge"], colours[ground]) >= 3, ground
    assert contrast(colours["leaf-ink"], colours["leaf"]) >= 4.5
    assert contrast(colours["ink"], colours["glow"]) >= 4.5
