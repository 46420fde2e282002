"""What a voice is evaluated on: the sentences of a split it never saw, and who of its speakers recorded them."""

import json
import random
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from swaram.audio.files import read_audio
from swaram.evaluation.errors import EvaluationError

COLUMNS = ("path", "transcript", "speaker", "language", "duration", "split", "text_key", "attribution", "licence")
MOST_SPEAKERS = 4


@dataclass(frozen=True)
class Clip:
    """One natural recording as preparation wrote it: resampled, trimmed, levelled, what training sees.

    ``speaker``: the corpus's name for who reads; ``sentence``: equal for clips with the same letters;
    ``duration`` in seconds.
    """

    file: Path
    text: str
    speaker: str
    sentence: str
    duration: float

    def read(self) -> tuple[np.ndarray, int]:
        """Audio float32 [samples], -1..1, mono, and its rate in Hz."""
        recording = read_audio(self.file)
        return recording.audio, recording.sample_rate


@dataclass(frozen=True)
class Material:
    """A split's clips of one language, and the other clips of the same corpus that profiles are made from.

    ``sentences``: one clip of each sentence, in a fixed order; ``others``: clips of the train split by speaker.
    """

    folder: Path
    split: str
    clips: tuple[Clip, ...]
    others: dict[str, tuple[Clip, ...]]
    attribution: tuple[str, ...]

    @property
    def sentences(self) -> dict[str, str]:
        """Text by sentence."""
        found: dict[str, str] = {}
        for clip in self.clips:
            found.setdefault(clip.sentence, clip.text)
        return dict(sorted(found.items()))

    def readings(self, sentence: str) -> list[Clip]:
        """Every clip of a sentence."""
        return [clip for clip in self.clips if clip.sentence == sentence]

    def limited(self, sentences: int | None, seed: int = 0) -> "Material":
        """The same with at most so many sentences, drawn with a seed; those most often read come first."""
        names = list(self.sentences)
        if sentences is None or sentences >= len(names):
            return self
        random.Random(seed).shuffle(names)
        names.sort(key=lambda name: -len(self.readings(name)))
        chosen = set(names[:sentences])
        clips = tuple(clip for clip in self.clips if clip.sentence in chosen)
        return Material(self.folder, self.split, clips, self.others, self.attribution)


def read_material(data: str | Path, language: str, split: str = "test") -> Material:
    """Read a prepared folder. Raises EvaluationError where it is none, or holds nothing of that split and language."""
    folder = Path(data)
    rows = [row for row in _rows(folder) if row["language"] == language]
    chosen = [row for row in rows if row["split"] == split]
    if not chosen:
        raise EvaluationError(
            f"{folder / 'manifest.parquet'}: no clip of the split {split} in the language {language}."
        )
    others: dict[str, list[Clip]] = defaultdict(list)
    for row in rows:
        if row["split"] == "train":
            others[row["speaker"]].append(_clip(folder, row))
    return Material(
        folder,
        split,
        tuple(_clip(folder, row) for row in chosen),
        {speaker: tuple(clips) for speaker, clips in others.items()},
        tuple(sorted({f"{row['attribution']}, {row['licence']}" for row in chosen})),
    )


def _rows(folder: Path) -> list[dict[str, Any]]:
    path = folder / "manifest.parquet"
    if not path.is_file():
        raise EvaluationError(f"{folder}: no prepared data there (manifest.parquet is missing); run swaram prepare.")
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise EvaluationError("Evaluation needs pyarrow; pip install 'swaram[evaluate]'.") from None
    try:
        return pyarrow.parquet.read_table(path, columns=list(COLUMNS)).to_pylist()
    except (pyarrow.ArrowException, OSError, KeyError) as error:
        reason = str(error).splitlines()[0][:200].rstrip(".")
        raise EvaluationError(f"{path}: cannot be read ({reason}); run swaram prepare again.") from None


def _clip(folder: Path, row: dict[str, Any]) -> Clip:
    return Clip(folder / row["path"], row["transcript"], row["speaker"], row["text_key"], row["duration"])


def read_facts(path: Path | None) -> dict[str, Any]:
    """The description that ``swaram voice export --facts`` takes; empty without one. Raises EvaluationError."""
    if path is None:
        return {}
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        {speaker["name"]: speaker["corpus_id"] for speaker in facts.get("speakers", [])}
        return facts
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EvaluationError(f"{path} is not a readable description of a voice ({type(error).__name__}).") from None


def join_speakers(offered: list[str], facts: dict[str, Any], material: Material) -> dict[str, str]:
    """The voice's speakers who are in the recordings: offered name -> the corpus's name.

    By ``facts``, which names the corpus's speaker of each; else a speaker is called as in the corpus; the one
    speaker of a voice without names is the only one of the train split, if there is only one.
    """
    named = {speaker["name"]: speaker["corpus_id"] for speaker in facts.get("speakers", [])}
    known = {clip.speaker for clip in material.clips} | set(material.others)
    if not offered:
        return {"": next(iter(material.others))} if len(material.others) == 1 else {}
    return {name: named.get(name, name) for name in offered if named.get(name, name) in known}


def choose_speakers(offered: list[str], joined: dict[str, str], material: Material, wanted: list[str]) -> list[str]:
    """Who is evaluated: those wanted, else all, or of more than ``MOST_SPEAKERS`` those with the most recordings."""
    if wanted or len(offered) <= MOST_SPEAKERS:
        return wanted or offered or [""]
    counts = {name: sum(clip.speaker == joined.get(name) for clip in material.clips) for name in offered}
    return sorted(offered, key=lambda name: -counts[name])[: MOST_SPEAKERS - 1]
