"""One utterance from its corpus to a clip fit for training, or to the reason why not."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from swaram.audio.denoise import denoise, denoiser_name
from swaram.audio.files import AudioError, encode_audio, read_audio
from swaram.audio.fingerprint import sound_likeness
from swaram.audio.loudness import level_to, loudness
from swaram.audio.resample import high_pass, resample
from swaram.audio.trim import FRAME_SECONDS, VAD_RATE, SpeechDetector, cut, shorten_pauses
from swaram.config.prepare import PrepareSettings
from swaram.corpora.utterance import Utterance
from swaram.languages import get_language
from swaram.prepare.candidate import Candidate, Verdict
from swaram.prepare.gates import description, sound, transcript
from swaram.text.frontend import TextFrontend

SAMPLE_SECONDS = 12.0  # of a dropped clip, kept for a person to listen to

# The order in which a clip meets the gates; the last two see all clips together.
GATES = (
    "read", "language", "licence", "news", "review", "decode", "alignment", "length", "speech", "duration", "edges",
    "clipping", "level", "noise", "bandwidth", "pauses", "tags", "script", "digits", "symbols", "rate", "duplicates",
    "split",
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What became of an utterance.

    ``reason`` is empty for a kept clip, and ``content`` is its whole file; of a dropped one that could be
    decoded, ``content`` is a file to listen to. ``seconds`` is the length as it came, or the corpus's own claim
    where the recording could not be read. ``verdicts`` lists the gates it met, in order.
    """

    utterance: Utterance
    reason: str
    seconds: float
    transcript: str = ""
    measures: dict[str, Any] = field(default_factory=dict)
    verdicts: tuple[Verdict, ...] = ()
    content: bytes = b""


class ClipMaker:
    """Judges and transforms utterances one by one; holds the voice activity model and the text front ends."""

    def __init__(self, settings: PrepareSettings) -> None:
        self.settings = settings
        self._detector = SpeechDetector()
        self._frontends: dict[str, TextFrontend] = {}

    def __call__(self, utterance: Utterance) -> Outcome:
        """Never raises for what the utterance holds: a fault is a reason."""
        candidate = Candidate(utterance)
        verdicts: list[Verdict] = []
        for verdict in self._gates(candidate):
            verdicts.append(verdict)
            if not verdict.passed:
                break
        return self._outcome(candidate, verdicts, verdicts[-1].reason)

    def explain(self, utterance: Utterance) -> Outcome:
        """As a call, but shows the utterance to every gate that can judge it, also after one has left it out."""
        candidate = Candidate(utterance)
        verdicts = list(self._gates(candidate))
        reason = next((verdict.reason for verdict in verdicts if not verdict.passed), "")
        return self._outcome(candidate, verdicts, reason)

    def _outcome(self, candidate: Candidate, verdicts: list[Verdict], reason: str) -> Outcome:
        measures = candidate.measures
        seconds = measures.get("source_duration") or candidate.utterance.stated_duration or 0.0
        if reason:
            part = candidate.audio[: int(SAMPLE_SECONDS * candidate.sample_rate)]
            content = encode_audio(part, candidate.sample_rate) if len(part) else b""
        else:
            content = self._finish(candidate)
        for name, value in measures.items():
            if isinstance(value, float):
                measures[name] = round(value, 6)
        return Outcome(
            candidate.utterance, reason, float(seconds), candidate.transcript, measures, tuple(verdicts), content
        )

    def _gates(self, candidate: Candidate) -> Iterator[Verdict]:
        said, heard, written = self.settings.description, self.settings.sound, self.settings.transcript
        yield description.readable_gate(candidate)
        language = description.language_gate(candidate)
        yield language
        yield description.licence_gate(candidate, said)
        yield description.news_gate(candidate, said)
        yield description.review_gate(candidate, said)
        aligned = description.alignment_gate(candidate)
        if not aligned.passed and candidate.utterance.start == candidate.utterance.end:  # words that nobody speaks
            yield aligned
            return
        decoded = self._decode(candidate)
        yield decoded
        if not decoded.passed:
            return
        yield aligned
        yield sound.length_gate(candidate, heard)
        self._listen(candidate)
        spoken = sound.speech_gate(candidate)
        yield spoken
        if not spoken.passed:
            return
        self._trim(candidate)
        yield sound.duration_gate(candidate, heard)
        yield sound.edge_gate(candidate)
        yield sound.clipping_gate(candidate, heard)
        yield sound.level_gate(candidate, heard)
        yield sound.noise_gate(candidate, heard)
        yield sound.bandwidth_gate(candidate, heard)
        yield sound.pause_gate(candidate, heard, self.settings.audio)
        if not language.passed:
            return
        code = candidate.utterance.language
        if code not in self._frontends:
            self._frontends[code] = TextFrontend(code)
        yield transcript.tags_gate(candidate, written)
        yield transcript.script_gate(candidate, written, get_language(code))
        analysis = self._frontends[code].analyse(candidate.text)
        yield transcript.digits_gate(candidate, written, analysis)
        yield transcript.symbols_gate(candidate, analysis)
        yield transcript.rate_gate(candidate, written)

    def _decode(self, candidate: Candidate) -> Verdict:
        utterance, measures = candidate.utterance, candidate.measures
        if utterance.audio is None:
            return Verdict("decode", "decode: audio file missing", utterance.place)
        start = max(utterance.start or 0.0, 0.0)
        end = start + self.settings.sound.max_source_duration + 1.0  # one second more shows that it is too long
        try:
            recording = read_audio(
                utterance.audio, utterance.place, start, end if utterance.end is None else min(utterance.end, end)
            )
        except AudioError as error:
            return Verdict("decode", "decode: unreadable audio", str(error))
        if utterance.stated_rate and utterance.stated_rate != recording.sample_rate:
            saw = f"stated {utterance.stated_rate} Hz, decoded {recording.sample_rate} Hz"
            return Verdict("decode", "decode: sample rate differs from the stated one", saw)
        if not recording.audio.any():
            return Verdict("decode", "decode: nothing but zeros", f"{recording.duration:.2f} s")
        measures["source_rate"] = recording.sample_rate
        measures["source_channels"] = recording.channels
        measures["source_duration"] = recording.duration
        candidate.audio, candidate.sample_rate = recording.audio, recording.sample_rate
        saw = f"{recording.duration:.2f} s, {recording.sample_rate} Hz, {recording.channels} channel(s)"
        return Verdict("decode", "", saw)

    def _listen(self, candidate: Candidate) -> None:
        """Measure the recording as it came, then resample it and find the speech in it."""
        settings, measures = self.settings.audio, candidate.measures
        measures["clipped"] = sound.clipped_share(candidate.audio)
        measures["bandwidth"] = sound.bandwidth(candidate.audio, candidate.sample_rate)
        audio = resample(candidate.audio, candidate.sample_rate, settings.sample_rate)
        candidate.audio = high_pass(audio, settings.sample_rate, settings.high_pass)
        candidate.sample_rate = settings.sample_rate
        if settings.denoise:
            candidate.audio = denoise(candidate.audio, settings.sample_rate)
            measures["processing"] = denoiser_name()
        candidate.activity = self._detector(resample(candidate.audio, candidate.sample_rate, VAD_RATE))
        measures["speech_level"] = candidate.activity.speech_level
        measures["snr"] = sound.noise_ratio(candidate.activity)
        measures["background"] = sound.background_kind(candidate.activity, candidate.audio, candidate.sample_rate)

    def _trim(self, candidate: Candidate) -> None:
        """Cut to the speech and its margins, and take the middle out of pauses that went on too long."""
        settings, measures = self.settings.audio, candidate.measures
        first, last = candidate.activity.bounds() or (0.0, 0.0)
        begin = max(0.0, first - settings.margin_before)
        end = min(len(candidate.audio) / candidate.sample_rate, last + settings.margin_after)
        candidate.pauses = [p for p in candidate.activity.pauses() if p[1] - p[0] > 2 * FRAME_SECONDS]
        long = [(a - begin, b - begin) for a, b in candidate.pauses if b - a > settings.longest_pause]
        candidate.audio = shorten_pauses(
            cut(candidate.audio, candidate.sample_rate, begin, end),
            candidate.sample_rate,
            long,
            settings.shortened_pause,
        )
        measures["silence_before"] = first
        measures["silence_after"] = max(0.0, measures["source_duration"] - last)
        measures["longest_pause"] = max((b - a for a, b in candidate.pauses), default=0.0)
        measures["pauses_shortened"] = len(long)
        measures["duration"] = len(candidate.audio) / candidate.sample_rate

    def _finish(self, candidate: Candidate) -> bytes:
        settings, measures = self.settings.audio, candidate.measures
        measures["source_loudness"] = loudness(candidate.audio, candidate.sample_rate)
        candidate.audio = level_to(candidate.audio, candidate.sample_rate, settings.loudness, settings.true_peak)
        measures["loudness"] = loudness(candidate.audio, candidate.sample_rate)
        measures["likeness"] = sound_likeness(candidate.audio, candidate.sample_rate)
        content = encode_audio(candidate.audio, candidate.sample_rate, settings.format)
        measures["audio_sha256"] = hashlib.sha256(content).hexdigest()
        return content
