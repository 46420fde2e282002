"""Measuring a voice against recordings: every observation, from which ``estimates`` makes means and intervals."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from swaram.evaluation.bootstrap import ANYONE, Observation
from swaram.evaluation.dnsmos import SCALES
from swaram.evaluation.instruments import Instruments, Sound
from swaram.evaluation.intelligibility import align
from swaram.evaluation.mel_cepstral import Acoustics, closeness, pitch_spread
from swaram.evaluation.speaker_similarity import average, similarity
from swaram.evaluation.system import Subject
from swaram.evaluation.test_set import TestSet
from swaram.prepare.manifest import Clip

PROFILE_CLIPS = 20
CLOSENESS = ("mel_cepstral_distortion", "f0_error", "f0_correlation", "voicing_error", "duration_ratio")


@dataclass(frozen=True)
class Pair:
    """A natural clip of one of the voice's speakers, and the voice saying the same as that speaker."""

    speaker: str
    clip: Clip
    natural: Sound
    synthetic: Sound


@dataclass
class Measured:
    """What a run found. ``spoken``: synthesis by (speaker, sentence); ``mishearings``: aligned characters by side."""

    observations: list[Observation] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)
    spoken: dict[tuple[str, str], Sound] = field(default_factory=dict)
    timings: list[tuple[str, float, float, float]] = field(default_factory=list)
    mishearings: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: {"natural": [], "synthetic": []})
    not_measured: dict[str, str] = field(default_factory=dict)

    def note(self, metric: str, side: str, speaker: str, sentence: str, value: float, weight: float = 1.0) -> None:
        """Keep one observation."""
        self.observations.append(Observation(metric, side, speaker, sentence, float(value), float(weight)))


def measure(
    subject: Subject,
    test_set: TestSet,
    speakers: list[str],
    joined: dict[str, str],
    instruments: Instruments,
    say: Callable[[str], None] = print,
) -> Measured:
    """Speak every sentence as every speaker, and measure.

    ``speakers``: the offered names to evaluate ("" for a voice without names); ``joined``: see
    ``test_set.join_speakers``.
    """
    found = Measured()
    say(f"speaking {len(test_set.sentences)} sentences as {len(speakers)} speaker(s)")
    for sentence, text in test_set.sentences.items():
        for speaker in speakers:
            synthesis = subject.speak(text, speaker)
            found.spoken[speaker, sentence] = Sound(synthesis.audio, synthesis.sample_rate, text)
            found.timings.append((sentence, synthesis.duration, synthesis.first_audio, synthesis.seconds_computed))
    names = {joined[speaker]: speaker for speaker in speakers if speaker in joined}
    for clip in test_set.clips:
        if clip.speaker in names:
            speaker = names[clip.speaker]
            synthetic = found.spoken[speaker, clip.key]
            found.pairs.append(Pair(speaker, clip, instruments.natural(clip), synthetic))
    if not found.pairs:
        reason = "none of the voice's speakers recorded a sentence of this split (name them with --facts)"
        found.not_measured |= {"naturalness": reason, "closeness": reason, "speaker": reason}
    say(f"listening to {len(found.spoken)} syntheses and {len(test_set.clips)} recordings")
    _intelligibility(found, test_set, speakers, instruments)
    if found.pairs:
        say(f"comparing {len(found.pairs)} pairs")
        _naturalness(found, instruments)
        _closeness(found, test_set, instruments)
        _speakers(found, test_set, joined, instruments)
    found.not_measured |= instruments.not_measured
    return found


def _intelligibility(found: Measured, test_set: TestSet, speakers: list[str], instruments: Instruments) -> None:
    """Each sentence counts once, by its length, however many read it: so both sides weigh the sentences alike."""
    sentences = list(test_set.sentences)
    following = dict(zip(sentences, sentences[1:] + sentences[:1], strict=True))
    for clip in test_set.clips:
        readings = len(test_set.readings(clip.key))
        other = test_set.sentences[following[clip.key]]
        _heard(found, instruments, instruments.natural(clip), "natural", ANYONE, clip.key, other, 1 / readings)
    for (speaker, sentence), sound in found.spoken.items():
        other = test_set.sentences[following[sentence]]
        _heard(found, instruments, sound, "synthetic", speaker, sentence, other, 1 / len(speakers))
    for pair in found.pairs:
        for side, sound in (("natural", pair.natural), ("synthetic", pair.synthetic)):
            other = test_set.sentences[following[pair.clip.key]]
            _heard(found, instruments, sound, side, pair.speaker, pair.clip.key, other, 1.0, "_paired")
    if instruments.judge and not any(o.metric == "ctc_cost" for o in found.observations):
        why = "the judge is one of another language" if instruments.in_sounds else "the judge gives no probabilities"
        found.not_measured["ctc_cost"] = why


def _heard(
    found: Measured,
    instruments: Instruments,
    sound: Sound,
    side: str,
    speaker: str,
    sentence: str,
    other_text: str,
    share: float,
    kind: str = "",
) -> None:
    hearing = instruments.hearing(sound, other_text)
    if hearing is None:
        return
    intended = instruments.written(sound.text)
    alignment = align(intended, hearing.transcript)
    size = max(1, len(intended))
    name = "sound_error_rate" if instruments.in_sounds else "cer"
    found.note(f"{name}{kind}", side, speaker, sentence, alignment.edits / size, share * size)
    if instruments.in_sounds and side == "natural" and not kind:
        other = instruments.written(other_text)
        scale = align(other, hearing.transcript).edits / max(1, len(other))
        found.note(name, "scale", speaker, sentence, scale, share * size)
    if not kind:
        found.mishearings[side] += alignment.pairs
    if hearing.costs:
        found.note(f"ctc_cost{kind}", side, speaker, sentence, hearing.costs[0], share * size)
        if side == "natural" and not kind:
            found.note("ctc_cost", "scale", speaker, sentence, hearing.costs[1], share * size)


def _naturalness(found: Measured, instruments: Instruments) -> None:
    for pair in found.pairs:
        for side, sound in (("natural", pair.natural), ("synthetic", pair.synthetic)):
            for name, value in instruments.dnsmos(sound).items():
                found.note(name, side, pair.speaker, pair.clip.key, value)
            score = instruments.distillmos(sound)
            if score is not None:
                found.note("distillmos", side, pair.speaker, pair.clip.key, score)
    assert all(o.metric in SCALES for o in found.observations if o.metric.startswith("dnsmos"))


def _closeness(found: Measured, test_set: TestSet, instruments: Instruments) -> None:
    for pair in found.pairs:
        sentence = pair.clip.key
        for side, sound in (("natural", pair.natural), ("synthetic", pair.synthetic)):
            found.note("loudness", side, pair.speaker, sentence, instruments.loudness(sound))
        own, spoken = instruments.acoustics(pair.natural), instruments.acoustics(pair.synthetic)
        if own is None or spoken is None:
            continue
        for side, acoustics in (("natural", own), ("synthetic", spoken)):
            found.note("pitch_spread", side, pair.speaker, sentence, pitch_spread(acoustics.f0))
        _note_closeness(found, "synthetic", pair, own, spoken)
        others = [clip for clip in test_set.readings(sentence) if clip.speaker != pair.clip.speaker]
        if others:  # the one whose length is nearest: a fair sight of how far two people are apart
            other = min(others, key=lambda clip: abs(np.log(clip.seconds / pair.clip.seconds)))
            reading = instruments.acoustics(instruments.natural(other))
            assert reading is not None
            _note_closeness(found, "scale", pair, own, reading)


def _note_closeness(found: Measured, side: str, pair: Pair, own: Acoustics, other: Acoustics) -> None:
    values = closeness(own, other)
    for name in CLOSENESS:
        found.note(name, side, pair.speaker, pair.clip.key, values[name])


def _speakers(found: Measured, test_set: TestSet, joined: dict[str, str], instruments: Instruments) -> None:
    """Each clip against the profile of a speaker, made of training clips: own recordings, syntheses, others'."""
    profiles = {}
    for speaker in dict.fromkeys(pair.speaker for pair in found.pairs):
        clips = sorted(test_set.others.get(joined[speaker], ()), key=lambda clip: clip.path.name)
        chosen = clips[:: max(1, len(clips) // PROFILE_CLIPS)][:PROFILE_CLIPS]
        embeddings = [instruments.embedding(instruments.natural(clip)) for clip in chosen]
        if embeddings and embeddings[0] is not None:
            profiles[speaker] = average([e for e in embeddings if e is not None])
    for pair in found.pairs:
        for side, sound in (("natural", pair.natural), ("synthetic", pair.synthetic)):
            embedding = instruments.embedding(sound)
            if embedding is not None and pair.speaker in profiles:
                value = similarity(embedding, profiles[pair.speaker])
                found.note("speaker_similarity", side, pair.speaker, pair.clip.key, value)
    for (speaker, profile), clip in itertools.product(profiles.items(), test_set.clips):
        embedding = instruments.embedding(instruments.natural(clip))
        if clip.speaker != joined[speaker] and embedding is not None:
            found.note("speaker_similarity", "scale", speaker, clip.key, similarity(embedding, profile))
