"""Each gate alone: what it lets pass, what it leaves out, and under which name that is counted."""

from dataclasses import replace

import numpy as np
import pytest

from swaram.audio.fingerprint import different_bits, sound_likeness
from swaram.audio.resample import resample
from swaram.audio.trim import SpeechDetector
from swaram.corpora.utterance import Provenance, Utterance
from swaram.prepare import PrepareSettings
from swaram.prepare.candidate import Candidate
from swaram.prepare.clip import GATES, ClipMaker
from swaram.prepare.gates import description, transcript
from tests.recorded_speech import file_bytes, spoken_clips

FREE = Provenance("t", "Test", "CC-BY-4.0", "", "")


@pytest.fixture(scope="module")
def maker():
    return ClipMaker(PrepareSettings())


@pytest.fixture(scope="module")
def speech():
    """One sentence at 16 kHz with 0.4 s of a quiet room on both sides."""
    clip = spoken_clips()[3]
    audio = resample(clip.audio, clip.rate, 16_000)
    first, last = SpeechDetector()(audio).bounds()
    room = np.random.default_rng(5).standard_normal(6_400).astype(np.float32) * np.float32(10 ** (-62 / 20))
    return np.concatenate([room, audio[int(first * 16_000) : int(last * 16_000)], room])


@pytest.fixture(scope="module")
def good(speech):
    return Utterance("t-1", FREE, "ml", "t-a", spoken_clips()[3].text, file_bytes(speech, 16_000), "row 1")


def said(**fields):
    provenance = FREE if "provenance" not in fields else fields.pop("provenance")
    return Candidate(Utterance("t-1", provenance, fields.pop("language", "ml"), "", "", None, "", **fields))


def test_a_good_clip_meets_every_gate_in_order_and_passes(maker, good):
    outcome = maker(good)
    assert outcome.reason == ""
    met = [verdict.gate for verdict in outcome.verdicts]
    assert met == [gate for gate in GATES if gate not in ("duplicates", "split")]
    assert all(verdict.saw for verdict in outcome.verdicts)


def test_languages_go_by_code_and_hindi_is_named():
    assert description.language_gate(said(language="hi")).reason == "language: Hindi"
    assert description.language_gate(said(language="")).reason == "language: not stated or not offered"
    for code in ("mr", "ne", "mai", "sa", "doi"):  # the same script as Hindi
        assert description.language_gate(said(language=code)).passed


def test_a_hindi_row_is_dropped_though_its_script_fits(maker, good):
    assert maker(replace(good, language="hi", text="यह हिन्दी है")).reason == "language: Hindi"


def test_licences_outside_the_list_are_counted_by_name():
    settings = PrepareSettings().description
    for licence in ("CC-BY-NC-4.0", "", "IITM-EULA"):
        verdict = description.licence_gate(said(provenance=replace(FREE, licence=licence)), settings)
        assert verdict.reason == f"licence: {licence or 'none'} is not on the list"
    assert description.licence_gate(said(provenance=replace(FREE, licence="cc-by-sa-4.0")), settings).passed


@pytest.mark.parametrize(
    "field,value,news",
    [
        ("task", "DOI - News media", True), ("style", "NEWS", True), ("style", "news_reading", True),
        ("style", "news-reading", True), ("domain", "news", True), ("task", "Newspaper", True),
        ("domain", "Newsletter", False), ("task", "DOI - Technology", False), ("domain", "Sinews", False),
        ("style", "CONV", False),
    ],
)  # fmt: skip
def test_news_by_what_the_row_says(field, value, news):
    verdict = description.news_gate(said(**{field: value}), PrepareSettings().description)
    assert verdict.reason == (f"news: by its {field}" if news else "")


def test_news_by_corpus_is_fail_closed():
    settings = PrepareSettings().description
    assert description.news_gate(said(provenance=replace(FREE, news=True)), settings).reason == (
        "news: the whole corpus is news"
    )
    unknown = said(provenance=replace(FREE, source="kathbath", unknown_domain=True))
    assert description.news_gate(unknown, settings).reason == "news: texts of unknown domain"
    cleared = settings.model_copy(update={"cleared_of_news": ("kathbath",)})
    assert description.news_gate(unknown, cleared).passed


@pytest.mark.parametrize(
    "fields,reason",
    [
        ({"verification": {"decision": "excellent", "low_volume": False}}, ""),
        ({"verification": {"decision": "Good"}}, ""),
        ({"verification": {"decision": "average"}}, "review: decision average"),
        ({"verification": {"noise_persistent": True}}, "review: noise_persistent"),
        ({"verification": {"echo_present": "True"}}, "review: echo_present"),
        ({"verification": {"echo_present": "False", "book_read": True}}, ""),
        ({"verification": {"interviewer": True}}, "review: interviewer"),
        ({"stated_cer": 0.25}, "review: stated error rate too high"),
        ({"stated_cer": 4.2}, ""),  # per cent
        ({"stated_snr": 8.0}, "review: stated signal-to-noise too low"),
    ],
)
def test_the_corpus_own_review(fields, reason):
    assert description.review_gate(said(**fields), PrepareSettings().description).reason == reason


@pytest.mark.parametrize(
    "change,reason",
    [
        ({"audio": None}, "decode: audio file missing"),
        ({"audio": b"RIFF nothing"}, "decode: unreadable audio"),
        ({"audio": b""}, "decode: unreadable audio"),
        ({"stated_rate": 48_000}, "decode: sample rate differs from the stated one"),
        ({"stated_duration": 99.0}, "length: differs from the stated one"),
        ({"fault": "unreadable shard"}, "read: unreadable shard"),
        ({"text": "Hello there"}, "script: other letters"),
        ({"text": "..."}, "script: no letters"),
        ({"text": "അണ്ണാൻ കുഞ്ഞും <unintelligible> തന്നാലായത്"}, "tags: unintelligible"),
        ({"text": "ആ"}, "rate: too few characters for the length"),
        ({"text": "അണ്ണാൻ കുഞ്ഞും തന്നാലായത് " * 20}, "rate: too many characters for the length"),
    ],
)
def test_bad_rows_and_texts_are_reasons(maker, good, change, reason):
    assert maker(replace(good, **change)).reason == reason


def test_zeros_noise_and_fragments_are_reasons(maker, good, speech, hiss):
    def judged(audio, **change):
        return maker(replace(good, audio=file_bytes(audio.astype(np.float32), 16_000), **change)).reason

    assert judged(np.zeros(32_000)) == "decode: nothing but zeros"
    assert judged(hiss(3.0, -40)) == "speech: nobody speaks"
    assert judged(np.concatenate([speech[:16_000], np.zeros(8_000)])) == "duration: too short"
    assert judged(np.tile(speech, 8)) in ("duration: too long", "pauses: too many")
    assert judged(np.tile(speech, 40)) == "length: recording too long"
    loud = np.flatnonzero(np.abs(speech[24_000:]) > 0.3 * np.abs(speech).max())
    middle = 24_000 + int(loud[-1])  # within the last loud syllable
    assert judged(speech[:middle]) == "edges: cut off at the end"


def test_overdriven_faint_and_noisy_recordings_are_reasons(maker, good, speech, hiss):
    def judged(audio):
        return maker(replace(good, audio=file_bytes(audio.astype(np.float32), 16_000, "wav", "FLOAT"))).reason

    loud = np.clip(speech / np.abs(speech).max() * 6, -1, 1)
    assert judged(loud) == "clipping: overdriven"
    assert judged(speech / np.abs(speech).max() * 0.9) == ""
    assert judged(speech * 0.005) == "level: too faint"
    level = 20 * np.log10(np.sqrt(np.mean(np.square(speech))))
    assert judged(speech + hiss(len(speech) / 16_000, level - 12)[: len(speech)]) == "noise: background too loud"


def test_a_steady_background_is_told_from_noise_that_comes_and_goes(good, speech, hiss):
    """A drone may be allowed; what comes and goes is not, and both are spoken of in dB with where they lie."""
    seconds = len(speech) / 16_000
    level = 20 * np.log10(np.sqrt(np.mean(np.square(speech))))
    time = np.arange(len(speech)) / 16_000
    drone = sum(np.sin(2 * np.pi * 131 * k * time) / k for k in range(1, 6)).astype(np.float32)
    drone *= np.float32(10 ** ((level - 14) / 20) / np.sqrt(np.mean(drone**2)))
    bursts = (
        hiss(seconds, level - 8)[: len(speech)] * (np.sin(2 * np.pi * 1.5 * time) > 0.3)
        + hiss(seconds, level - 40)[: len(speech)]
    )
    allowed = ClipMaker(PrepareSettings(sound={"allow_steady_noise": True}))
    usual = ClipMaker(PrepareSettings())

    def judged(maker, noise):
        outcome = maker(replace(good, audio=file_bytes((speech + noise).astype(np.float32) * 0.5, 16_000)))
        return outcome.reason, outcome.measures["background"], outcome.verdicts[-1].saw

    reason, background, saw = judged(usual, drone)
    assert reason == "noise: background too loud" and background.startswith("steady") and "50 to 150 Hz" in background
    assert "dB louder than the background" in saw
    assert judged(allowed, drone)[0] == ""
    reason, background, _ = judged(allowed, bursts.astype(np.float32))
    assert background.startswith("comes and goes") and reason == "noise: background too loud"


def test_denoising_is_off_and_says_what_it_needs(good, monkeypatch):
    from swaram.audio import denoise

    assert not PrepareSettings().audio.denoise
    monkeypatch.setattr(denoise.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(denoise.DenoiseError, match=r"pip install .*\[denoise\]"):
        ClipMaker(PrepareSettings(audio={"denoise": True}))(good)


def test_denoised_speech_is_where_it_was_and_the_manifest_says_so(good, speech, hiss):
    pytest.importorskip("pyrnnoise", reason="the extra 'denoise' is not installed")
    level = 20 * np.log10(np.sqrt(np.mean(np.square(speech))))
    noisy = (speech + hiss(len(speech) / 16_000, level - 12)[: len(speech)]).astype(np.float32)
    outcome = ClipMaker(PrepareSettings(audio={"denoise": True}))(replace(good, audio=file_bytes(noisy, 16_000)))
    assert outcome.reason == "" and outcome.measures["processing"].startswith("pyrnnoise ")


def test_digital_silence_does_not_count_as_quiet(maker, good, speech, hiss):
    """A noise gate that cuts the pauses to zero must not make a noisy recording look clean."""
    level = 20 * np.log10(np.sqrt(np.mean(np.square(speech))))
    noisy = speech + hiss(len(speech) / 16_000, level - 12)[: len(speech)]
    for gap in (0.0, 0.8):
        silence = np.zeros(int(gap * 16_000), np.float32)
        audio = np.concatenate([silence, noisy, silence]).astype(np.float32)
        outcome = maker(replace(good, audio=file_bytes(audio, 16_000)))
        assert outcome.reason == "noise: background too loud"
    gated = speech.copy()
    gated[:6_400] = 0
    gated[-6_400:] = 0
    outcome = maker(replace(good, audio=file_bytes(gated, 16_000)))
    assert outcome.measures["snr"] is None or outcome.measures["snr"] < 80


def test_telephone_speech_is_left_out_whatever_its_sample_rate(maker, good, speech):
    narrow = resample(resample(speech, 16_000, 8_000), 8_000, 16_000)
    outcome = maker(replace(good, audio=file_bytes(narrow, 16_000)))
    assert outcome.reason == "bandwidth: narrow as a telephone"
    wide = resample(speech, 16_000, 48_000)
    assert maker(replace(good, audio=file_bytes(wide, 48_000))).reason == ""


def test_one_long_pause_is_shortened_two_seconds_are_too_much(maker, good, speech, hiss):
    activity = maker.explain(replace(good, audio=file_bytes(speech, 16_000)))
    plain = activity.measures["duration"]

    def paused(seconds):
        joined = np.concatenate([speech, hiss(seconds, -62), speech])
        return maker(replace(good, text=good.text * 2, audio=file_bytes(joined, 16_000)))

    hesitating = paused(0.1)
    assert hesitating.reason == ""
    assert hesitating.measures["pauses_shortened"] >= 1
    assert hesitating.measures["duration"] == pytest.approx(2 * plain + 0.4, abs=0.35)
    assert paused(2.0).reason == "pauses: one too long"


def test_glosses_and_noise_tags_are_taken_out_of_the_text(maker, good):
    outcome = maker(replace(good, text=f"<noise> {good.text} [squirrel]"))
    assert outcome.reason == ""
    assert outcome.transcript == maker(good).transcript


def test_digits_become_words_or_leave_the_clip_out(good):
    text = "അവൻ 25 രൂപ തന്നു"
    candidate = Candidate(good, text=text)
    front = ClipMaker(PrepareSettings())
    from swaram.text.frontend import TextFrontend

    analysis = TextFrontend("ml").analyse(text)
    drop = PrepareSettings(transcript={"digits": "drop"}).transcript
    assert transcript.digits_gate(candidate, drop, analysis).reason == "digits: a number in figures"
    verdict = transcript.digits_gate(candidate, front.settings.transcript, analysis)
    spoken = analysis.sentences[0].text
    assert verdict.passed and "25" not in spoken and len(spoken) > len("അവൻ രൂപ തന്നു")


def test_symbols_that_no_letter_stands_for_are_counted(maker, good):
    outcome = maker(replace(good, text=good.text + " ①②"))
    assert outcome.reason == "symbols: outside the table" or outcome.reason == ""
    if not outcome.reason:  # the front end may have words for them: then nothing foreign is left
        assert "①" not in outcome.transcript


def test_a_fingerprint_of_sound_survives_a_codec_and_tells_readings_apart():
    first, second = spoken_clips()[3], spoken_clips()[1]
    high = resample(first.audio, first.rate, 48_000)
    from swaram.audio.files import read_audio

    again = read_audio(file_bytes(high * np.float32(0.5), 48_000, "mp3"))
    one = sound_likeness(resample(high, 48_000, 16_000), 16_000)
    encoded = sound_likeness(resample(again.audio[: len(high)], again.sample_rate, 16_000), 16_000)
    other = sound_likeness(resample(second.audio, second.rate, 16_000), 16_000)
    assert different_bits(one, encoded) <= 10
    assert different_bits(one, other) > 25


def test_explain_goes_on_after_the_first_reason(maker, good):
    outcome = maker.explain(replace(good, text="Hello", stated_duration=99.0, style="NEWS"))
    failed = [verdict.reason for verdict in outcome.verdicts if not verdict.passed]
    assert failed[:2] == ["news: by its style", "length: differs from the stated one"]
    assert "script: other letters" in failed
    assert outcome.reason == "news: by its style"
