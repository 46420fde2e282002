"""The languages swaram speaks: twenty-one of India, and Indian English."""

from dataclasses import dataclass

from swaram.errors import SwaramError


class LanguageError(SwaramError):
    """A language code that is not offered."""


@dataclass(frozen=True)
class Script:
    """A script: its name, Unicode ranges (inclusive), direction ("ltr" or "rtl") and its digits 0 to 9."""

    name: str
    ranges: tuple[tuple[int, int], ...]
    direction: str
    digits: str

    def holds(self, character: str) -> bool:
        """Whether one character lies in the script's ranges."""
        point = ord(character)
        return any(first <= point <= last for first, last in self.ranges)


SCRIPTS = {
    script.name: script
    for script in (
        Script("Latin", ((0x41, 0x5A), (0x61, 0x7A), (0xC0, 0x24F)), "ltr", "0123456789"),
        Script(
            "Arabic",
            ((0x600, 0x6FF), (0x750, 0x77F), (0xFB50, 0xFDFF), (0xFE70, 0xFEFF)),
            "rtl",
            "۰۱۲۳۴۵۶۷۸۹",
        ),
        Script("Devanagari", ((0x900, 0x963), (0x966, 0x97F), (0xA8E0, 0xA8FF)), "ltr", "०१२३४५६७८९"),
        Script("Bengali", ((0x980, 0x9FF),), "ltr", "০১২৩৪৫৬৭৮৯"),
        Script("Gurmukhi", ((0xA00, 0xA7F),), "ltr", "੦੧੨੩੪੫੬੭੮੯"),
        Script("Gujarati", ((0xA80, 0xAFF),), "ltr", "૦૧૨૩૪૫૬૭૮૯"),
        Script("Oriya", ((0xB00, 0xB7F),), "ltr", "୦୧୨୩୪୫୬୭୮୯"),
        Script("Tamil", ((0xB80, 0xBFF),), "ltr", "௦௧௨௩௪௫௬௭௮௯"),
        Script("Telugu", ((0xC00, 0xC7F),), "ltr", "౦౧౨౩౪౫౬౭౮౯"),
        Script("Kannada", ((0xC80, 0xCFF),), "ltr", "೦೧೨೩೪೫೬೭೮೯"),
        Script("Malayalam", ((0xD00, 0xD7F),), "ltr", "൦൧൨൩൪൫൬൭൮൯"),
        Script("Ol Chiki", ((0x1C50, 0x1C7F),), "ltr", "᱐᱑᱒᱓᱔᱕᱖᱗᱘᱙"),
        Script("Meetei Mayek", ((0xABC0, 0xABFF), (0xAAE0, 0xAAFF)), "ltr", "꯰꯱꯲꯳꯴꯵꯶꯷꯸꯹"),
    )
}

_LATIN_ENDS = ".?!"
_DANDA_ENDS = ".?!।॥"
_ARABIC_ENDS = ".?!۔؟"


@dataclass(frozen=True)
class Language:
    """One language: its code, names, scripts (the first is the one its own words are written in) and ends.

    ``sentence_ends`` lists the characters that end a sentence. The words it speaks for numbers, signs and
    abbreviations stand in ``text/data/<code>.toml``; ``words_from`` says how sure they are: "compared" (written for
    this project and compared with at least one published list), "one source" (number words that follow one list).
    """

    code: str
    name: str
    native_name: str
    scripts: tuple[Script, ...]
    sentence_ends: str
    words_from: str

    @property
    def script(self) -> Script:
        """The script that numbers and other words are written out in."""
        return self.scripts[0]

    @property
    def direction(self) -> str:
        """ "ltr" or "rtl"."""
        return self.script.direction

    @property
    def digits(self) -> str:
        """The ten native digits of the first script, zero first."""
        return self.script.digits


_ONE_SOURCE = {"brx", "doi", "kok", "ks", "mai", "mni", "sat"}


def _language(code: str, name: str, native_name: str, scripts: str, sentence_ends: str) -> Language:
    words_from = "one source" if code in _ONE_SOURCE else "compared"
    listed = tuple(SCRIPTS[script.strip()] for script in scripts.split(","))
    return Language(code, name, native_name, listed, sentence_ends, words_from)


LANGUAGES = {
    language.code: language
    for language in (
        _language("as", "Assamese", "অসমীয়া", "Bengali", _DANDA_ENDS),
        _language("bn", "Bengali", "বাংলা", "Bengali", _DANDA_ENDS),
        _language("brx", "Bodo", "बर'", "Devanagari", _DANDA_ENDS),
        _language("doi", "Dogri", "डोगरी", "Devanagari", _DANDA_ENDS),
        _language("en-IN", "Indian English", "Indian English", "Latin", _LATIN_ENDS),
        _language("gu", "Gujarati", "ગુજરાતી", "Gujarati", _DANDA_ENDS),
        _language("kn", "Kannada", "ಕನ್ನಡ", "Kannada", _DANDA_ENDS),
        _language("kok", "Konkani", "कोंकणी", "Devanagari", _DANDA_ENDS),
        _language("ks", "Kashmiri", "کٲشُر", "Arabic, Devanagari", _ARABIC_ENDS + "।॥"),
        _language("mai", "Maithili", "मैथिली", "Devanagari", _DANDA_ENDS),
        _language("ml", "Malayalam", "മലയാളം", "Malayalam", _DANDA_ENDS),
        _language("mni", "Manipuri", "ꯃꯩꯇꯩꯂꯣꯟ", "Meetei Mayek, Bengali", _DANDA_ENDS + "꯫꫰꫱"),
        _language("mr", "Marathi", "मराठी", "Devanagari", _DANDA_ENDS),
        _language("ne", "Nepali", "नेपाली", "Devanagari", _DANDA_ENDS),
        _language("or", "Odia", "ଓଡ଼ିଆ", "Oriya", _DANDA_ENDS),
        _language("pa", "Punjabi", "ਪੰਜਾਬੀ", "Gurmukhi", _DANDA_ENDS),
        _language("sa", "Sanskrit", "संस्कृतम्", "Devanagari", _DANDA_ENDS),
        _language("sat", "Santali", "ᱥᱟᱱᱛᱟᱲᱤ", "Ol Chiki", _DANDA_ENDS + "᱾᱿"),
        _language("sd", "Sindhi", "سنڌي", "Arabic, Devanagari", _ARABIC_ENDS + "।॥"),
        _language("ta", "Tamil", "தமிழ்", "Tamil", _DANDA_ENDS),
        _language("te", "Telugu", "తెలుగు", "Telugu", _DANDA_ENDS),
        _language("ur", "Urdu", "اردو", "Arabic", _ARABIC_ENDS),
    )
}

_OTHER_NAMES = {
    "asm": "as", "ben": "bn", "bodo": "brx", "dgo": "doi", "en": "en-IN", "en-in": "en-IN", "en_in": "en-IN",
    "eng": "en-IN", "guj": "gu", "kan": "kn", "gom": "kok", "kas": "ks", "mal": "ml", "mar": "mr",
    "nep": "ne", "npi": "ne", "ory": "or", "ori": "or", "pan": "pa", "san": "sa", "snd": "sd", "tam": "ta",
    "tel": "te", "urd": "ur",
}  # fmt: skip


_NAMES = {name.casefold(): code for code, entry in LANGUAGES.items() for name in (entry.name, entry.native_name)}
_NAMES |= {"hindi": "hi", "हिन्दी": "hi", "हिंदी": "hi", "oriya": "or", "english": "en-IN", "en-in": "en-IN"}


def get_language(code: str) -> Language:
    """The language of a code (ISO 639-1 where there is one, otherwise 639-3), a tag, or a name.

    Case does not matter, nor what stands behind the language in a tag: ``ML``, ``ml-IN``, ``ml_IN``, ``mal``,
    ``Malayalam`` and ``മലയാളം`` are the same.

    Raises:
        LanguageError: for ``hi`` (with the reason) and for every code that is not offered.
    """
    tag = code.strip().casefold().replace("_", "-")
    wanted = _NAMES.get(tag) or tag.partition("-")[0]  # ml-IN, ml-Mlym-IN: the language is the first part (RFC 5646)
    if wanted in ("hi", "hin"):
        raise LanguageError(
            "language 'hi': swaram leaves Hindi out on purpose, because Hindi already has good voices and "
            "India's other languages do not; choose another code, such as mr, ne or mai."
        )
    wanted = _OTHER_NAMES.get(wanted, wanted)
    if wanted in LANGUAGES:
        return LANGUAGES[wanted]
    raise LanguageError(f"language {code[:40]!r} is not offered; choose one of {', '.join(LANGUAGES)}.")
