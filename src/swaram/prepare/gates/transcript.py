"""Gates that look at what was said, and how fast."""

import re
import unicodedata

from swaram.config.prepare import TranscriptSettings
from swaram.languages import Language
from swaram.prepare.candidate import Candidate, Verdict
from swaram.text.frontend import Analysis

TAG = re.compile(r"<\s*/?\s*(?P<angle>[^<>]{0,40}?)\s*/?\s*>|\[(?P<square>[^\[\]]{0,80})\]")


def tags_gate(candidate: Candidate, settings: TranscriptSettings) -> Verdict:
    """Nothing was said that the transcript only names; other tags and English glosses are taken out of it.

    Sets ``candidate.text`` to the text without ``<noise>`` and ``[gloss]``.
    """
    found = []
    for match in TAG.finditer(candidate.utterance.text):
        name = (match["angle"] or match["square"] or "").strip().casefold().strip("_- ")
        found.append(name)
        if name in settings.dropping_tags:
            return Verdict("tags", f"tags: {name}", match.group())
    candidate.text = " ".join(TAG.sub(" ", candidate.utterance.text).split())
    return Verdict("tags", "", f"{len(found)} taken out" if found else "none")


def script_gate(candidate: Candidate, settings: TranscriptSettings, language: Language) -> Verdict:
    """The text is written in the language's script."""
    letters = [c for c in candidate.text if unicodedata.category(c)[0] in "LM"]
    own = sum(_holds(language, c) or "\u0300" <= c <= "\u036f" for c in letters)
    share = own / len(letters) if letters else 0.0
    saw = f"{share:.0%} of {len(letters)} letters in {language.script.name}"
    if not letters:
        return Verdict("script", "script: no letters", saw)
    return Verdict("script", "script: other letters" if share < settings.min_script_share else "", saw)


def _holds(language: Language, character: str) -> bool:
    return any(script.holds(character) for script in language.scripts)


def digits_gate(candidate: Candidate, settings: TranscriptSettings, analysis: Analysis) -> Verdict:
    """Numbers are spoken as words by the front end, or leave the clip out if the settings say so."""
    text = candidate.text
    digits = [i for i, c in enumerate(text) if unicodedata.category(c) == "Nd"]
    if not digits:
        return Verdict("digits", "", "none")
    if settings.digits == "drop":
        return Verdict("digits", "digits: a number in figures", f"{len(digits)} digits")
    lost = [i for i in digits for n in analysis.notices if n.kind == "dropped" and n.start <= i < n.end]
    if lost:
        return Verdict("digits", "digits: the front end cannot speak them", f"{len(lost)} digits")
    return Verdict("digits", "", f"{len(digits)} digits spoken as words")


def symbols_gate(candidate: Candidate, analysis: Analysis) -> Verdict:
    """Everything that was spoken can be written in the voice's symbols; sets the transcript."""
    candidate.transcript = " ".join(sentence.text.strip() for sentence in analysis.sentences).strip()
    lost = "".join(candidate.text[n.start : n.end] for n in analysis.notices if n.kind == "dropped")
    spoken = {c for c in lost if unicodedata.category(c)[0] in "LMNS"}
    if spoken:
        names = ", ".join(f"U+{ord(c):04X}" for c in sorted(spoken)[:8])
        return Verdict("symbols", "symbols: outside the table", f"the front end has no symbol for {names}")
    if not any(c.isalpha() for c in candidate.transcript):
        return Verdict("symbols", "symbols: nothing to speak", "no letter is left")
    return Verdict("symbols", "", f"{len(candidate.transcript)} symbols")


def rate_gate(candidate: Candidate, settings: TranscriptSettings) -> Verdict:
    """The text fits the length of the recording."""
    spoken = sum(unicodedata.category(c)[0] in "LMN" for c in candidate.transcript)
    rate = spoken / max(float(candidate.measures["duration"]), 1e-3)
    candidate.measures["characters_per_second"] = round(rate, 3)
    saw = f"{rate:.1f} characters a second"
    if rate < settings.min_characters_per_second:
        return Verdict("rate", "rate: too few characters for the length", saw)
    if rate > settings.max_characters_per_second:
        return Verdict("rate", "rate: too many characters for the length", saw)
    return Verdict("rate", "", saw)
