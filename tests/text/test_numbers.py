"""Number words: different numbers must never sound the same, and a missing table must not be papered over."""

import random

import pytest

from swaram.languages import LANGUAGES
from swaram.text import TextFrontend, numbers
from swaram.text.numbers import LARGEST, NumberError, NumberWords, number_words
from swaram.text.quantities import Quantities


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_number_has_a_reading_of_its_own(code):
    words = number_words(code)
    sample = random.Random(4).sample(range(100_000, 10**12), 5_000) + [
        10**n + d for n in range(5, 13) for d in (-1, 0, 1)
    ]
    readings: dict[str, int] = {}
    for number in [*range(100_000), *sorted(set(sample) - set(range(100_000)))]:
        reading = words.cardinal(number)
        assert reading == reading.strip() and "  " not in reading
        assert readings.setdefault(reading, number) == number, f"{number} and {readings[reading]} are both {reading}"


@pytest.mark.parametrize("code", LANGUAGES)
def test_native_digits_read_like_ascii_digits(code):
    frontend = TextFrontend(code)
    for script in frontend.language.scripts:
        native = "".join(script.digits[int(d)] for d in "47092")
        spoken = [s.text for s in frontend.analyse(native).sentences]
        assert spoken == [s.text for s in frontend.analyse("47092").sentences]
        assert spoken == [number_words(code).cardinal(47092)]


def test_kannada_hundreds_keep_their_tens():
    words = number_words("kn")
    for hundreds in range(1, 10):
        for tens in range(1, 10):
            number = 100 * hundreds + 10 * tens
            assert words.cardinal(number).endswith(words.cardinal(10 * tens)), number


def test_numbers_out_of_range_are_refused_with_the_range():
    with pytest.raises(NumberError, match=str(LARGEST)):
        number_words("ml").cardinal(LARGEST + 1)
    with pytest.raises(NumberError):
        number_words("ml").cardinal(-1)


def test_numbers_too_long_for_words_are_read_digit_by_digit():
    spoken = TextFrontend("ta").analyse("12345678901234567").sentences[0].text
    assert spoken.split()[:3] == ["ஒன்று", "இரண்டு", "மூன்று"]


def test_a_language_without_a_table_says_no_numbers_rather_than_another_languages(monkeypatch):
    monkeypatch.setattr(numbers, "load_table", lambda name: {})
    with pytest.raises(NumberError, match="'kok' has no table of number words"):
        NumberWords("kok")

    def no_words(code):
        return NumberWords(code)

    monkeypatch.setattr("swaram.text.quantities.number_words", no_words)
    frontend = TextFrontend("kok")
    frontend._quantities = Quantities(frontend.language)
    analysis = frontend.analyse("तो 25 आयलो.")
    assert [s.text for s in analysis.sentences] == ["तो आयलो."]
    (notice,) = analysis.notices
    assert notice.kind == "refused" and (notice.start, notice.end) == (3, 5)
    assert "no table of number words" in notice.message
