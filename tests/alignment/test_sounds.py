"""Words of several scripts as coarse sounds: equal where they sound alike, apart where they do not."""

import pytest

from swaram.alignment.sounds import in_sounds


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ನಮಸ್ಕಾರ", "നമസ്കാര"),  # Kannada, Malayalam
        ("ಬೆಂಗಳೂರು", "ബെങ്കളൂരു"),  # a nasal mark or a nasal letter before a stop
        ("அவன்", "അവൻ"),  # Tamil writes a virama where Malayalam has a letter
        ("மந்திரம்", "മന്ദിരം"),  # voice is not written in Tamil
        ("ಕಣ್ಣು", "കണു"),  # length
        ("ଗଙ୍ଗା", "গঙ্গা"),  # Odia, Bengali script
        ("ਮੁੰਡਾ", "മുണ്ട"),  # a tippi
        ("बड़ा", "बडा"),  # a nukta, composed or not, leaves the vowel where it was
        ("ശേഷം", "സേസം"),
    ],
)
def test_what_sounds_alike_is_written_alike(one, other):
    assert in_sounds(one) == in_sounds(other) != ""


@pytest.mark.parametrize(("one", "other"), [("മല", "മാലി"), ("ಕವಿ", "ಕಪಿ"), ("வட", "வத"), ("পানি", "পানী ই")])
def test_what_sounds_different_stays_apart(one, other):
    assert in_sounds(one) != in_sounds(other)


def test_an_unwritten_vowel_is_a_sound_and_a_virama_takes_it_away():
    assert in_sounds("മരം") == "maram"
    assert in_sounds("ಕರ್ನಾಟಕ") == "karnataka"
    assert in_sounds("കൈ കൗ കൊ") == "kE kO ko"


def test_signs_and_other_scripts_are_left_out():
    assert in_sounds("  ಅಮ್ಮ,  abc 12 ! ") == "ama"
    assert in_sounds("hello") == ""
