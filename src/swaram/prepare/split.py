"""Which clips train, which validate, which test: decided by a hash, so that adding data never moves a clip."""

import hashlib
import unicodedata

from swaram.config.prepare import SplitSettings

SPLITS = ("train", "val", "test")

# Spellings of one text that sound the same and differ between tables: chillus as one letter or as consonant,
# virama and joiner; the two signs of au.
_SAME = str.maketrans({"ൻ": "ന്", "ർ": "ര്", "ൽ": "ല്", "ൾ": "ള്", "ൺ": "ണ്", "ൿ": "ക്", "ൌ": "ൗ"})


def text_key(text: str) -> str:
    """A hash that is equal for texts that read the same: case, punctuation, spaces and joiners do not count."""
    plain = unicodedata.normalize("NFC", text).translate(_SAME).casefold()
    letters = "".join(c for c in plain if unicodedata.category(c)[0] in "LMN")
    return hashlib.sha256(letters.encode()).hexdigest()


def split_of(text: str, speaker: str, settings: SplitSettings) -> str:
    """``train``, ``val`` or ``test``.

    Mode ``stratified`` goes by the text alone: all readings of one text land together, and every speaker is
    spread over the splits in the same shares. Mode ``speaker`` goes by the speaker alone.
    """
    key = text_key(text) if settings.mode == "stratified" else speaker
    place = int(hashlib.sha256(f"split:{key}".encode()).hexdigest()[:12], 16) / float(16**12)
    if place < settings.test:
        return "test"
    return "val" if place < settings.test + settings.validation else "train"
