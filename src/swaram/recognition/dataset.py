"""Which recordings a recogniser learns from and which judge it: natural speech of prepared folders, drops counted."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from swaram.prepare.split import text_key
from swaram.recognition.errors import RecognizerError
from swaram.recognition.units import plain

COLUMNS = ("id", "path", "transcript", "speaker", "language", "duration", "split", "text_key")


@dataclass(frozen=True)
class Clip:
    """One recording of a prepared folder and what is said in it."""

    id: str
    path: Path
    text: str
    speaker: str
    seconds: float
    split: str
    key: str

    def audio(self, sample_rate: int) -> np.ndarray:
        """float32 [samples], mono, at ``sample_rate`` Hz."""
        from swaram.audio.files import read_audio
        from swaram.audio.resample import resample

        recording = read_audio(self.path)
        return resample(recording.audio, recording.sample_rate, sample_rate)


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
    """All clips of a prepared folder in one language. Raises RecognizerError where there is no usable manifest."""
    manifest = Path(folder) / "manifest.parquet"
    if not manifest.exists():
        raise RecognizerError(f"{manifest} does not exist; make it with `swaram prepare`")
    import pyarrow.parquet

    try:
        rows: list[dict[str, Any]] = pyarrow.parquet.read_table(manifest, columns=list(COLUMNS)).to_pylist()
    except (OSError, ValueError) as error:
        raise RecognizerError(f"{manifest} is not a readable manifest ({error}); prepare the folder again") from None
    return [
        Clip(
            row["id"], Path(folder) / row["path"], plain(row["transcript"]), row["speaker"], row["duration"],
            row["split"], row["text_key"],
        )
        for row in rows
        if row["language"] == language
    ]  # fmt: skip


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
