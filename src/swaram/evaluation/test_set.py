"""What a voice is evaluated on: the sentences of a split it never saw, and who of its speakers recorded them."""

import json
import random
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from swaram.evaluation.errors import EvaluationError
from swaram.prepare.manifest import NAME, Clip, ManifestError, read_manifest

COLUMNS = ("transcript", "speaker", "language", "duration", "split", "text_key", "attribution", "licence")
MOST_SPEAKERS = 4


@dataclass(frozen=True)
class TestSet:
    """A split's clips of one language, and the other clips of the same corpus that profiles are made from.

    ``sentences``: one clip of each sentence, in a fixed order; ``others``: clips of the train split by speaker.
    """

    __test__: ClassVar[bool] = False  # no test that pytest might collect

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
            found.setdefault(clip.key, clip.text)
        return dict(sorted(found.items()))

    def readings(self, sentence: str) -> list[Clip]:
        """Every clip of a sentence."""
        return [clip for clip in self.clips if clip.key == sentence]

    def limited(self, sentences: int | None, seed: int = 0) -> "TestSet":
        """The same with at most so many sentences, drawn with a seed; those most often read come first."""
        names = list(self.sentences)
        if sentences is None or sentences >= len(names):
            return self
        random.Random(seed).shuffle(names)
        names.sort(key=lambda name: -len(self.readings(name)))
        chosen = set(names[:sentences])
        clips = tuple(clip for clip in self.clips if clip.key in chosen)
        return TestSet(self.folder, self.split, clips, self.others, self.attribution)


def read_test_set(data: str | Path, language: str, split: str = "test") -> TestSet:
    """Read a prepared folder. Raises EvaluationError where it is none, or holds nothing of that split and language."""
    folder = Path(data)
    try:
        clips = [clip for clip in read_manifest(folder, COLUMNS) if clip.language == language]
    except ManifestError as error:
        raise EvaluationError(str(error)) from None
    chosen = tuple(clip for clip in clips if clip.split == split)
    if not chosen:
        raise EvaluationError(f"{folder / NAME}: no clip of the split {split} in the language {language}.")
    others: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        if clip.split == "train":
            others[clip.speaker].append(clip)
    credits = {f"{clip.attribution}, {clip.licence}" for clip in chosen}
    return TestSet(folder, split, chosen, {name: tuple(of) for name, of in others.items()}, tuple(sorted(credits)))


def read_facts(path: Path | None) -> dict[str, Any]:
    """The description that ``swaram voice export --facts`` takes; empty without one. Raises EvaluationError."""
    if path is None:
        return {}
    try:
        facts = json.loads(path.read_text(encoding="utf-8-sig"))
        {speaker["name"]: speaker["corpus_id"] for speaker in facts.get("speakers", [])}
        return facts
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EvaluationError(f"{path} is not a readable description of a voice ({type(error).__name__}).") from None


def join_speakers(offered: list[str], facts: dict[str, Any], test_set: TestSet) -> dict[str, str]:
    """The voice's speakers who are in the recordings: offered name -> the corpus's name.

    By ``facts``, which names the corpus's speaker of each; else a speaker is called as in the corpus; the one
    speaker of a voice without names is the only one of the train split, if there is only one.
    """
    named = {speaker["name"]: speaker["corpus_id"] for speaker in facts.get("speakers", [])}
    known = {clip.speaker for clip in test_set.clips} | set(test_set.others)
    if not offered:
        return {"": next(iter(test_set.others))} if len(test_set.others) == 1 else {}
    return {name: named.get(name, name) for name in offered if named.get(name, name) in known}


def choose_speakers(offered: list[str], joined: dict[str, str], test_set: TestSet, wanted: list[str]) -> list[str]:
    """Who is evaluated: those wanted, else all, or of more than ``MOST_SPEAKERS`` those with the most recordings."""
    if wanted or len(offered) <= MOST_SPEAKERS:
        return wanted or offered or [""]
    counts = {name: sum(clip.speaker == joined.get(name) for clip in test_set.clips) for name in offered}
    return sorted(offered, key=lambda name: -counts[name])[: MOST_SPEAKERS - 1]
