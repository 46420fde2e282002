"""Gates that look at what was said, and how fast."""

import unicodedata

from swaram.languages import Language
from swaram.prepare.candidate import Candidate, Verdict
from swaram.prepare.settings import GateSettings
from swaram.text.frontend import TextFrontend


def script_gate(candidate: Candidate, settings: GateSettings, language: Language) -> Verdict:
    """The text is written in the language's script."""
    letters = [c for c in candidate.utterance.text if unicodedata.category(c)[0] in "LM"]
    own = sum(any(script.holds(c) for script in language.scripts) or c in "‌‍" for c in letters)
    share = own / len(letters) if letters else 0.0
    saw = f"{share:.0%} of {len(letters)} letters in {language.script.name}"
    if not letters:
        return Verdict("script", "script: no letters", saw)
    return Verdict("script", "script: other letters" if share < settings.min_script_share else "", saw)


def symbols_gate(candidate: Candidate, frontend: TextFrontend) -> Verdict:
    """Everything that was spoken can be written in the voice's symbols; sets the transcript."""
    text = candidate.utterance.text
    analysis = frontend.analyse(text)
    candidate.transcript = " ".join(sentence.text.strip() for sentence in analysis.sentences).strip()
    lost = "".join(text[n.start : n.end] for n in analysis.notices if n.kind == "dropped")
    spoken = {c for c in lost if unicodedata.category(c)[0] in "LMNS"}
    if spoken:
        names = ", ".join(f"U+{ord(c):04X}" for c in sorted(spoken))
        return Verdict("symbols", "symbols: outside the table", f"the front end has no symbol for {names}")
    if not any(c.isalpha() for c in candidate.transcript):
        return Verdict("symbols", "symbols: nothing to speak", "no letter is left")
    return Verdict("symbols", "", f"{len(candidate.transcript)} symbols")


def rate_gate(candidate: Candidate, settings: GateSettings) -> Verdict:
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
