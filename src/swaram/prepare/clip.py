"""One utterance from its corpus to a clip fit for training, or to the reason why not."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from swaram.audio.files import AudioError, encode_audio, read_audio
from swaram.audio.loudness import level_to, loudness
from swaram.audio.resample import high_pass, resample
from swaram.audio.trim import FRAME_SECONDS, VAD_RATE, SpeechDetector, cut, shorten_pauses
from swaram.corpora.utterance import Utterance
from swaram.languages import get_language
from swaram.prepare.candidate import Candidate, Verdict
from swaram.prepare.gates import sound, transcript
from swaram.prepare.settings import PrepareSettings
from swaram.text.frontend import TextFrontend


@dataclass(frozen=True)
class Outcome:
    """What became of an utterance.

    ``reason`` is empty for a kept clip, whose whole file is ``content``; ``seconds`` is the length as it came, or the
    corpus's own claim where the recording could not be read. ``verdicts`` lists the gates it met, in order.
    """

    utterance: Utterance
    reason: str
    seconds: float
    transcript: str = ""
    measures: dict[str, float | int | str | None] = field(default_factory=dict)
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
        seconds = candidate.measures.get("source_duration") or utterance.stated_duration or 0.0
        reason = verdicts[-1].reason
        content = b"" if reason else self._finish(candidate)
        return Outcome(
            utterance,
            reason,
            float(seconds),
            candidate.transcript,
            candidate.measures,
            tuple(verdicts),
            content,
        )

    def _gates(self, candidate: Candidate) -> Iterator[Verdict]:
        gates, audio = self.settings.gates, self.settings.audio
        decoded = self._decode(candidate)
        yield decoded
        if not decoded.passed:
            return
        yield sound.speech_gate(candidate, gates)
        self._trim(candidate)
        yield sound.duration_gate(candidate, gates)
        yield sound.edge_gate(candidate, gates)
        yield sound.clipping_gate(candidate, gates)
        yield sound.level_gate(candidate, gates)
        yield sound.noise_gate(candidate, gates)
        yield sound.pause_gate(candidate, gates, audio)
        language = get_language(candidate.utterance.language)
        frontend = self._frontends.setdefault(language.code, TextFrontend(language))
        yield transcript.script_gate(candidate, gates, language)
        yield transcript.symbols_gate(candidate, frontend)
        yield transcript.rate_gate(candidate, gates)

    def _decode(self, candidate: Candidate) -> Verdict:
        utterance = candidate.utterance
        if utterance.audio is None:
            return Verdict("decode", "decode: audio file missing", utterance.place)
        try:
            recording = read_audio(utterance.audio, utterance.place)
        except AudioError as error:
            return Verdict("decode", "decode: unreadable audio", str(error))
        if utterance.stated_rate and utterance.stated_rate != recording.sample_rate:
            saw = f"stated {utterance.stated_rate} Hz, decoded {recording.sample_rate} Hz"
            return Verdict("decode", "decode: sample rate differs from the stated one", saw)
        samples = recording.audio
        if utterance.start is not None or utterance.end is not None:
            samples = cut(
                samples, recording.sample_rate, utterance.start or 0.0, utterance.end or 1e9, fade=0.0
            )
        measures = candidate.measures
        measures["source_rate"] = recording.sample_rate
        measures["source_channels"] = recording.channels
        measures["source_duration"] = len(samples) / recording.sample_rate
        measures["clipped"] = sound.clipped_share(samples)
        candidate.sample_rate = self.settings.audio.sample_rate
        candidate.audio = high_pass(
            resample(samples, recording.sample_rate, candidate.sample_rate),
            candidate.sample_rate,
            self.settings.audio.high_pass,
        )
        candidate.activity = self._detector(resample(candidate.audio, candidate.sample_rate, VAD_RATE))
        measures["speech_level"] = candidate.activity.speech_level
        measures["snr"] = sound.noise_ratio(candidate.activity)
        saw = f"{measures['source_duration']:.2f} s, {recording.sample_rate} Hz, {recording.channels} channel(s)"
        return Verdict("decode", "", saw)

    def _trim(self, candidate: Candidate) -> None:
        """Cut to the speech and its margins, and take the middle out of pauses that went on too long."""
        settings, measures = self.settings.audio, candidate.measures
        first, last = candidate.activity.bounds()
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
        measures["silence_after"] = measures["source_duration"] - last
        measures["longest_pause"] = max((b - a for a, b in candidate.pauses), default=0.0)
        measures["pauses_shortened"] = len(long)
        measures["duration"] = len(candidate.audio) / candidate.sample_rate

    def _finish(self, candidate: Candidate) -> bytes:
        settings, measures = self.settings.audio, candidate.measures
        measures["source_loudness"] = loudness(candidate.audio, candidate.sample_rate)
        candidate.audio = level_to(
            candidate.audio, candidate.sample_rate, settings.loudness, settings.true_peak
        )
        measures["loudness"] = loudness(candidate.audio, candidate.sample_rate)
        content = encode_audio(candidate.audio, candidate.sample_rate, settings.format)
        measures["audio_sha256"] = hashlib.sha256(content).hexdigest()
        for name, value in measures.items():
            if isinstance(value, float):
                measures[name] = round(value, 6)
        return content
