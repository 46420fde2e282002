"""Every metric by name: what it is called, in what unit, which way is better, and what its scale is.

Each metric may have three sides: ``natural`` (recordings), ``synthetic`` (the voice), and ``scale``: what the same
metric gives for something whose quality is known, without which a figure says little.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """``better``: lower, higher, one (nearest to 1) or same (nearest to the natural side).

    ``ratio``: whether synthetic over natural means something, as it does where 0 is nothing at all.
    """

    name: str
    title: str
    unit: str
    better: str
    group: str
    scale: str = ""
    digits: int = 3
    ratio: bool = False


METRICS = (
    Metric("cer", "Character error rate", "", "lower", "intelligibility", ratio=True),
    Metric(
        "cer_paired", "Character error rate, the speaker's own recordings", "", "lower", "intelligibility", ratio=True
    ),
    Metric(
        "sound_error_rate",
        "Errors in coarse sounds, by a judge of another language",
        "",
        "lower",
        "intelligibility",
        "another sentence's text",
        ratio=True,
    ),
    Metric(
        "sound_error_rate_paired",
        "Errors in coarse sounds, the speaker's own recordings",
        "",
        "lower",
        "intelligibility",
        ratio=True,
    ),
    Metric(
        "ctc_cost",
        "CTC cost of the text",
        "nats a unit",
        "lower",
        "intelligibility",
        "another sentence's text",
        ratio=True,
    ),
    Metric(
        "ctc_cost_paired",
        "CTC cost, the speaker's own recordings",
        "nats a unit",
        "lower",
        "intelligibility",
        ratio=True,
    ),
    Metric("dnsmos_overall", "DNSMOS overall", "1 to 5", "higher", "naturalness", digits=2),
    Metric("dnsmos_background", "DNSMOS background", "1 to 5", "higher", "naturalness", digits=2),
    Metric("distillmos", "DistillMOS", "1 to 5", "higher", "naturalness", digits=2),
    Metric(
        "mel_cepstral_distortion", "Mel-cepstral distortion", "dB", "lower", "closeness", "another person's reading", 2
    ),
    Metric("f0_error", "F0 error", "semitones", "lower", "closeness", "another person's reading", 2),
    Metric("f0_correlation", "F0 correlation", "", "higher", "closeness", "another person's reading", 2),
    Metric("voicing_error", "Voicing error", "", "lower", "closeness", "another person's reading"),
    Metric("duration_ratio", "Duration ratio", "", "one", "closeness", "another person's reading", 2),
    Metric("pitch_spread", "Spread of the pitch", "semitones", "same", "closeness", digits=2, ratio=True),
    Metric("loudness", "Loudness", "LUFS", "same", "closeness", digits=1),
    Metric(
        "speaker_similarity", "Similarity to the speaker", "cosine", "higher", "speaker", "other speakers", ratio=True
    ),
)

GROUPS = {
    "intelligibility": "Intelligibility",
    "naturalness": "Naturalness guard",
    "closeness": "Closeness to the speaker's own reading",
    "speaker": "Speaker",
}
BY_NAME = {metric.name: metric for metric in METRICS}
