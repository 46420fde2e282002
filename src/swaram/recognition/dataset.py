"""Which recordings a recogniser learns from and which judge it: natural speech of prepared folders, drops counted."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from swaram.prepare.manifest import Clip, ManifestError, read_manifest
from swaram.prepare.split import text_key
from swaram.recognition.errors import RecognizerError
from swaram.recognition.units import plain

COLUMNS = ("id", "transcript", "speaker", "language", "duration", "split", "text_key")


@dataclass
class Selection:
    """Clips for training, for stopping, for the figures; further ones, which must first prove their text."""

    train: list[Clip]
    val: list[Clip]
    test: list[Clip]
    strangers: list[Clip]  # of speakers that are kept out of training, texts as in training
    candidates: list[Clip]
    held_out: list[str]
    dropped: Counter[str] = field(default_factory=Counter)


def read_clips(folder: Path, language: str) -> list[Clip]:
    """All clips of a prepared folder in one language, their texts without punctuation. Raises RecognizerError."""
    try:
        clips = read_manifest(folder, COLUMNS)
    except ManifestError as error:
        raise RecognizerError(str(error)) from None
    return [replace(clip, text=plain(clip.text)) for clip in clips if clip.language == language]


def select(
    folder: Path, language: str, also: Path | None = None, small_speaker: int = 13, likeness: float = 0.75
) -> Selection:
    """Divide the clips of a folder, and of a wider one, so that the figures are of texts and speakers never heard.

    A speaker with a clip in the test split and fewer than ``small_speaker`` in the training split is kept out of
    training altogether. A training clip whose text is ``likeness`` or more like one of validation or test (twice the
    common characters over all characters) is left out too: equal text is already apart by the splits. Clips of
    ``also`` that ``folder`` does not hold are candidates.
    """
    clips = read_clips(folder, language)
    if not clips:
        raise RecognizerError(f"{folder} holds no clip in {language}; prepare one, or choose another --language")
    parts = {split: [clip for clip in clips if clip.split == split] for split in ("train", "val", "test")}
    spoken = Counter(clip.speaker for clip in parts["train"])
    held_out = sorted({c.speaker for c in parts["test"] if spoken[c.speaker] < small_speaker})
    dropped: Counter[str] = Counter()
    judged = {clip.text for clip in parts["val"] + parts["test"]}
    keys = {text_key(text) for text in judged}
    near = _near({clip.text for clip in parts["train"]}, judged, likeness)
    train, strangers = [], []
    for clip in parts["train"]:
        if clip.text in near or clip.key in keys:
            dropped["text like one of validation or test"] += 1
        elif clip.speaker in held_out:
            dropped["speaker held out"] += 1
            strangers.append(clip)
        else:
            train.append(clip)
    candidates = []
    if also is not None:
        known = {clip.id for clip in clips}
        more = [c for c in read_clips(also, language) if c.id not in known]
        near = _near({c.text for c in more if c.split == "train"}, judged, likeness)
        for clip in more:
            if clip.split != "train" or clip.text in near or clip.key in keys:
                dropped["further clip: text of validation or test, or like it"] += 1
            elif clip.speaker in held_out:
                dropped["further clip: speaker held out"] += 1
            else:
                candidates.append(clip)
    return Selection(train, parts["val"], parts["test"], strangers, candidates, held_out, dropped)


def _near(texts: Iterable[str], judged: Sequence[str] | set[str], likeness: float) -> set[str]:
    import difflib

    found = set()
    for other in judged:
        matcher = difflib.SequenceMatcher(autojunk=False)
        matcher.set_seq2(other)
        for text in texts:
            matcher.set_seq1(text)
            close = text not in found and matcher.real_quick_ratio() >= likeness <= matcher.quick_ratio()
            if close and matcher.ratio() >= likeness:
                found.add(text)
    return found
