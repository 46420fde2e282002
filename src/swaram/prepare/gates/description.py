"""Gates that look at what the corpus says of a clip, before any audio is decoded."""

import re

from swaram.config.prepare import DescriptionSettings
from swaram.languages import LANGUAGES
from swaram.prepare.candidate import Candidate, Verdict

# "news" as a word of its own: DOI - News media, news_reading, NEWS; not Newsletter or sinews.
NEWS = re.compile(r"(^|[^a-z])news([^a-z]|$)", re.IGNORECASE)
# Compound names of news that the word rule cannot see.
NEWS_COMPOUNDS = re.compile(
    r"newsreading|newsreader|newspaper|newscast|newsbulletin|newsmedia|newsonair", re.IGNORECASE
)


def readable_gate(candidate: Candidate) -> Verdict:
    """The row itself could be read."""
    fault = candidate.utterance.fault
    return Verdict("read", f"read: {fault}" if fault else "", candidate.utterance.place)


def language_gate(candidate: Candidate) -> Verdict:
    """A language that swaram speaks, by its code: Devanagari alone does not tell Hindi from Marathi or Nepali."""
    code = candidate.utterance.language
    if code == "hi":
        return Verdict("language", "language: Hindi", "Hindi is left out on purpose")
    if code not in LANGUAGES:
        return Verdict("language", "language: not stated or not offered", repr(code))
    return Verdict("language", "", LANGUAGES[code].name)


def licence_gate(candidate: Candidate, settings: DescriptionSettings) -> Verdict:
    """A licence under which a voice may be trained and given away."""
    licence = candidate.utterance.provenance.licence
    allowed = licence.casefold() in {known.casefold() for known in settings.licences}
    return Verdict("licence", "" if allowed else f"licence: {licence or 'none'} is not on the list", licence)


def news_rule(candidate: Candidate, settings: DescriptionSettings) -> str:
    """Which rule takes the clip for news, or an empty string; what nobody has cleared counts as news."""
    utterance, origin = candidate.utterance, candidate.utterance.provenance
    if origin.news:
        return "the whole corpus is news"
    for name in ("task", "domain", "scenario", "style"):
        value = getattr(utterance, name)
        if NEWS.search(value) or NEWS_COMPOUNDS.search(value):
            return f"by its {name}"
    if origin.unknown_domain and origin.source not in settings.cleared_of_news:
        return "texts of unknown domain"
    return ""


def news_gate(candidate: Candidate, settings: DescriptionSettings) -> Verdict:
    """No news, by what task, domain, scenario and style say, and by corpus."""
    utterance = candidate.utterance
    rule = news_rule(candidate, settings)
    saw = " / ".join(filter(None, (utterance.task, utterance.domain, utterance.scenario, utterance.style)))
    return Verdict("news", f"news: {rule}" if rule else "", saw or "no task, domain, scenario or style")


def alignment_gate(candidate: Candidate) -> Verdict:
    """A piece of a longer recording whose text was found in it beyond doubt; other clips are compared at the end."""
    utterance = candidate.utterance
    saw = f"piece {utterance.part[0]} of {utterance.part[1]}" if utterance.part_of else "not cut"
    doubt = utterance.doubt if ":" in utterance.doubt else f"alignment: {utterance.doubt}"
    return Verdict("alignment", doubt if utterance.doubt else "", saw)


def review_gate(candidate: Candidate, settings: DescriptionSettings) -> Verdict:
    """What the corpus's own reviewers and measurements say."""
    utterance = candidate.utterance
    report = {name.casefold(): value for name, value in utterance.verification.items()}
    decision = str(report.get("decision") or "").strip().casefold()
    if decision and decision not in settings.decisions:
        return Verdict("review", f"review: decision {decision}", f"decision {decision}")
    for flag in settings.flags:
        if _is_set(report.get(flag)):
            return Verdict("review", f"review: {flag}", f"flag {flag}")
    cer, snr = utterance.stated_cer, utterance.stated_snr
    if cer is not None:
        cer = cer / 100 if cer > 1.5 else cer  # some releases state per cent
        if cer > settings.max_stated_cer:
            return Verdict("review", "review: stated error rate too high", f"stated error rate {cer:.2f}")
    if snr is not None and snr < settings.min_stated_snr:
        return Verdict("review", "review: stated signal-to-noise too low", f"stated {snr:.1f} dB")
    return Verdict("review", "", decision or "no review")


def _is_set(value: object) -> bool:
    if isinstance(value, str):
        return value.strip().casefold() in ("true", "yes", "1")
    return bool(value)
