"""The stumbling texts spoken and judged, and the same faults looked for in natural recordings."""

from collections.abc import Callable
from dataclasses import dataclass

from swaram.errors import SwaramError
from swaram.evaluation.estimates import ANYONE, Observation
from swaram.evaluation.instruments import Instruments, Sound
from swaram.evaluation.intelligibility import word_faults
from swaram.evaluation.material import Material
from swaram.evaluation.robustness import LengthRange, faults, stumbling_texts
from swaram.evaluation.subject import Subject

NATURAL = "natural"
# A judge that was taught sentences has nothing to say about one letter.
UNJUDGED = ("letters",)


@dataclass(frozen=True)
class Trial:
    """One text and what came of it; ``faults`` holds those that were found; ``sound`` is ``None`` if it failed."""

    category: str
    text: str
    speaker: str
    heard: str | None
    faults: tuple[str, ...]
    missing: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    error: str = ""
    sound: Sound | None = None


def run_trials(
    subject: Subject,
    material: Material,
    speakers: list[str],
    instruments: Instruments,
    limit: int | None = None,
    say: Callable[[str], None] = print,
) -> tuple[list[Trial], list[Observation]]:
    """Speak each text once, the speakers in turn; look for the same faults in the natural clips.

    The observations are named ``<category>.<fault>``, 1 where the fault is there; the natural clips are the
    category ``natural``. ``limit``: so many texts of each category.
    """
    lengths = LengthRange.of(material)
    texts = stumbling_texts(subject.voice.manifest.language, material)
    if limit is not None:
        places = {category: 0 for category, _ in texts}
        chosen = []
        for category, text in texts:
            places[category] += 1
            if places[category] <= limit:
                chosen.append((category, text))
        texts = chosen
    say(f"speaking {len(texts)} texts that voices stumble over")
    trials: list[Trial] = []
    observations: list[Observation] = []
    for number, (category, text) in enumerate(texts):
        speaker = speakers[number % len(speakers)]
        trial = _try(subject, category, text, speaker, instruments, lengths, observations)
        trials.append(trial)
    for clip in material.clips:
        sound = instruments.natural(clip)
        heard = _transcript(instruments, sound)
        found = faults(sound.raw, sound.sample_rate, instruments.written(clip.text), heard, lengths)
        observations += [Observation(f"{NATURAL}.{f}", NATURAL, ANYONE, clip.sentence, v) for f, v in found.items()]
    return trials, observations


def _try(
    subject: Subject,
    category: str,
    text: str,
    speaker: str,
    instruments: Instruments,
    lengths: LengthRange,
    observations: list[Observation],
) -> Trial:
    try:
        synthesis = subject.speak(text, speaker)
    except SwaramError as error:  # a text that cannot be spoken at all is a finding, not the end
        observations.append(Observation(f"{category}.length", "synthetic", speaker, text, 1.0))
        return Trial(category, text, speaker, None, ("length",), error=str(error))
    sound = Sound(synthesis.audio, synthesis.sample_rate, text)
    intended = instruments.written(text)
    heard = None if category in UNJUDGED else _transcript(instruments, sound)
    found = faults(sound.raw, sound.sample_rate, intended, heard, lengths)
    observations += [Observation(f"{category}.{f}", "synthetic", speaker, text, v) for f, v in found.items()]
    words = word_faults(intended, heard or "") if heard is not None else None
    return Trial(
        category,
        text,
        speaker,
        heard,
        tuple(fault for fault, there in found.items() if there),
        words.missing if words else (),
        words.repeated if words else (),
        sound=sound,
    )


def _transcript(instruments: Instruments, sound: Sound) -> str | None:
    hearing = instruments.hearing(sound)
    return hearing.transcript if hearing else None
