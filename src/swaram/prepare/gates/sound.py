"""Gates that look at the recording: length, clipping, level, noise, band width, pauses."""

import numpy as np

from swaram.audio.trim import DIGITAL_SILENCE, FRAME_SECONDS, Activity, runs
from swaram.config.prepare import AudioSettings, SoundSettings
from swaram.prepare.candidate import Candidate, Verdict

STEADY_SPREAD = 8.0  # dB
BANDS = ((50, 150), (150, 300), (300, 600), (600, 1_200), (1_200, 2_400), (2_400, 8_000))  # Hz


def clipped_share(audio: np.ndarray) -> float:
    """Share of samples in runs of three or more at full scale (|x| >= 0.999).

    ``audio``: float32 [samples], mono, as decoded.
    """
    if not len(audio):
        return 0.0
    full = np.abs(audio) >= 0.999
    if not full.any():
        return 0.0
    return sum(end - start for start, end in runs(full) if end - start >= 3) / len(audio)


def noise_ratio(activity: Activity) -> float | None:
    """Speech over background in dB, or ``None`` where no background can be measured.

    The background is the median level of the frames at least 96 ms away from speech; frames of digital
    silence, which a noise gate or an encoder made, do not count, and less than 0.2 s of the rest says nothing.
    """
    background = activity.level[_background(activity)]
    if len(background) < 7 or not activity.speech.any():
        return None
    noise = 10 ** (float(np.median(background)) / 10)
    speech = 10 ** (activity.speech_level / 10)
    return 10 * float(np.log10(max(speech - noise, noise * 1e-3) / noise))


def _background(activity: Activity) -> np.ndarray:
    """Frames at least 96 ms away from speech that hold more than digital silence: bool [frames]."""
    near = activity.speech.copy()
    for shift in (1, 2, 3):
        near[shift:] |= activity.speech[:-shift]
        near[:-shift] |= activity.speech[shift:]
    return ~near & (activity.level > DIGITAL_SILENCE)


def background_kind(activity: Activity, audio: np.ndarray, sample_rate: int) -> str:
    """``steady`` or ``comes and goes``, with the loudest band of what is heard between the words; empty without it.

    ``audio``: float32 [samples], mono, at ``sample_rate`` Hz, the recording that ``activity`` describes. The level of
    the frames away from speech is steady where nine of ten of them lie within ``STEADY_SPREAD`` dB.
    """
    frames = np.flatnonzero(_background(activity))
    if len(frames) < 7:
        return ""
    level = activity.level[frames]
    low, high = np.percentile(level, [5, 95])
    kind = "steady" if high - low <= STEADY_SPREAD else "comes and goes"
    size = round(FRAME_SECONDS * sample_rate)
    parts = [audio[frame * size : (frame + 1) * size] for frame in frames[:: max(1, len(frames) // 200)]]
    parts = [part for part in parts if len(part) == size]
    if not parts:
        return kind
    power = np.square(np.abs(np.fft.rfft(np.stack(parts) * np.hanning(size), axis=1))).mean(0)
    hertz = np.arange(len(power)) * sample_rate / size
    shares = [float(power[(hertz >= first) & (hertz < last)].sum()) for first, last in BANDS]
    first, last = BANDS[int(np.argmax(shares))]
    share = max(shares) / max(sum(shares), 1e-20)
    return f"{kind}, {share:.0%} of it from {first} to {last} Hz"


def bandwidth(audio: np.ndarray, sample_rate: int, depth: float = 60.0) -> float:
    """Highest frequency in Hz at which the louder part of the recording is within ``depth`` dB of its maximum.

    ``audio``: float32 [samples], mono, at ``sample_rate`` Hz, as decoded: resampling must not have hidden
    where the microphone or the telephone line ended.
    """
    size = 1024 if sample_rate <= 32_000 else 2048
    if len(audio) < size:
        return sample_rate / 2
    frames = np.lib.stride_tricks.sliding_window_view(audio, size)[:: size // 2]
    energy = np.einsum("ij,ij->i", frames, frames)
    loud = frames[energy > energy.max() * 1e-3][:400]
    if not len(loud):
        return 0.0
    power = np.square(np.abs(np.fft.rfft(loud * np.hanning(size).astype(np.float32), axis=1))).mean(axis=0)
    step = sample_rate / size
    width = 2 * max(1, int(100 / step)) + 1
    power = np.convolve(power, np.full(width, 1 / width), "same")
    strong = np.flatnonzero(power > power[int(80 / step) :].max() * 10 ** (-depth / 10))
    return float(strong[-1] * step) if len(strong) else 0.0


def length_gate(candidate: Candidate, settings: SoundSettings) -> Verdict:
    """As long as the corpus says, and no hour that somebody forgot to cut."""
    seconds, stated = candidate.measures["source_duration"], candidate.utterance.stated_duration
    saw = f"{seconds:.2f} s" + (f", stated {stated:.2f} s" if stated is not None else "")
    if stated is not None and abs(stated - seconds) > settings.max_duration_error:
        return Verdict("length", "length: differs from the stated one", saw)
    if seconds > settings.max_source_duration:
        return Verdict("length", "length: recording too long", saw)
    return Verdict("length", "", saw)


def speech_gate(candidate: Candidate) -> Verdict:
    """Somebody speaks."""
    speech = candidate.activity.speech
    saw = f"speech in {speech.mean() if len(speech) else 0.0:.0%} of the recording"
    return Verdict("speech", "" if candidate.activity.bounds() else "speech: nobody speaks", saw)


def duration_gate(candidate: Candidate, settings: SoundSettings) -> Verdict:
    """Neither a fragment nor a paragraph, once trimmed."""
    seconds = candidate.measures["duration"]
    saw = f"{seconds:.2f} s after trimming"
    if seconds < settings.min_duration:
        return Verdict("duration", "duration: too short", saw)
    if seconds > settings.max_duration:
        return Verdict("duration", "duration: too long", saw)
    return Verdict("duration", "", saw)


def edge_gate(candidate: Candidate) -> Verdict:
    """The recorder was running before the first and after the last sound of the sentence.

    Where alignment has cut a longer recording it did so in a silence, so only that recording's own edges count.
    """
    (number, count), side = candidate.utterance.part, candidate.activity.cut_off()
    inner = (side == "start" and number > 1) or (side == "end" and number < count)
    if side and not inner:
        return Verdict("edges", f"edges: cut off at the {side}", f"speech reaches the {side} of the recording")
    return Verdict("edges", "", "cut in a silence" if inner else "quiet at both ends")


def clipping_gate(candidate: Candidate, settings: SoundSettings) -> Verdict:
    """The microphone was not overdriven."""
    share = candidate.measures["clipped"]
    bad = share > settings.max_clipped
    return Verdict("clipping", "clipping: overdriven" if bad else "", f"{share:.3%} of samples clipped")


def level_gate(candidate: Candidate, settings: SoundSettings) -> Verdict:
    """The speech is not so faint that levelling would lift mostly noise."""
    level = candidate.measures["speech_level"]
    return Verdict("level", "level: too faint" if level < settings.min_level else "", f"{level:.1f} dBFS")


def noise_gate(candidate: Candidate, settings: SoundSettings) -> Verdict:
    """The speech stands clear of the background, where there is one to measure.

    A steady background (a drone, hum or fan) is told from noise that comes and goes: the first may be allowed.
    """
    ratio, background = candidate.measures["snr"], candidate.measures.get("background", "")
    if ratio is None:
        return Verdict("noise", "", "no background to measure (gated, or speech throughout)")
    steady = background.startswith("steady")
    least = settings.min_steady_snr if steady and settings.allow_steady_noise else settings.min_snr
    saw = f"the speech is {ratio:.1f} dB louder than the background ({background}); it has to be {least:g} dB louder"
    if ratio >= least:
        return Verdict("noise", "", saw)
    return Verdict("noise", "noise: background too loud", saw)


def bandwidth_gate(candidate: Candidate, settings: SoundSettings) -> Verdict:
    """Not recorded over a telephone line."""
    width = candidate.measures["bandwidth"]
    bad = width < settings.min_bandwidth
    return Verdict("bandwidth", "bandwidth: narrow as a telephone" if bad else "", f"up to {width:.0f} Hz")


def pause_gate(candidate: Candidate, settings: SoundSettings, audio: AudioSettings) -> Verdict:
    """The reader did not stop for long inside the sentence; shorter hesitations are shortened, not dropped."""
    lengths = [end - start for start, end in candidate.pauses]
    removed = sum(x - audio.shortened_pause for x in lengths if x > audio.longest_pause)
    saw = f"longest {max(lengths, default=0.0):.2f} s, {removed:.2f} s to remove"
    if max(lengths, default=0.0) > settings.max_pause:
        return Verdict("pauses", "pauses: one too long", saw)
    if removed > settings.max_pauses_removed:
        return Verdict("pauses", "pauses: too many", saw)
    return Verdict("pauses", "", saw)
