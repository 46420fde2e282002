"""What a recogniser is worth: error rates on recordings it never heard, with intervals, and what it mishears."""

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from swaram.evaluation.recognizer.clips import Clip, Selection
from swaram.evaluation.recognizer.recognizer import Recognizer
from swaram.evaluation.recognizer.scoring import confusions, edits, interval


def measure(recognizer: Recognizer, selection: Selection, beam: int | None = None) -> dict[str, Any]:
    """Figures for each kind of recording; every kind is absent from training in the way that its name says.

    Keys: ``test`` (the whole test split: texts never heard), its parts ``test_known_speakers`` and
    ``test_new_speakers``, ``validation`` (chose the weights, so not independent), and ``new_speakers_known_texts``;
    ``confused``: the characters most often taken for others, on the test split; ``real_time_factor``.
    """
    held_out = set(selection.held_out)
    kinds = {
        "test": selection.test,
        "test_known_speakers": [clip for clip in selection.test if clip.speaker not in held_out],
        "test_new_speakers": [clip for clip in selection.test if clip.speaker in held_out],
        "validation": selection.val,
        "new_speakers_known_texts": selection.strangers,
    }
    heard: dict[str, str] = {}
    seconds, began = 0.0, time.perf_counter()
    for clip in {clip.id: clip for clips in kinds.values() for clip in clips}.values():
        audio = clip.audio(recognizer.features.sample_rate)
        heard[clip.id] = recognizer.transcribe(audio, recognizer.features.sample_rate, beam).text
        seconds += len(audio) / recognizer.features.sample_rate
    took = time.perf_counter() - began
    found: dict[str, Any] = {kind: _rates(clips, heard) for kind, clips in kinds.items() if clips}
    wrong = confusions([clip.text for clip in selection.test], [heard[clip.id] for clip in selection.test])
    spoken = Counter(character for clip in selection.test for character in clip.text)
    found["confused"] = [
        {"said": said, "heard": got, "times": times, "of": spoken[said] if said else None}
        for (said, got), times in wrong.most_common(25)
    ]
    found["beam"] = beam
    found["real_time_factor"] = round(took / seconds, 4) if seconds else None
    return found


def _rates(clips: Sequence[Clip], heard: dict[str, str]) -> dict[str, Any]:
    """Character error rates, spaces counted and not, word error rate; intervals drawn by sentence."""
    counted: dict[str, tuple[list[float], list[float]]] = {
        "cer": ([], []),
        "cer_without_spaces": ([], []),
        "wer": ([], []),
    }
    for clip in clips:
        said, got = clip.text, heard[clip.id]
        pairs = {
            "cer": (said, got),
            "cer_without_spaces": (said.replace(" ", ""), got.replace(" ", "")),
            "wer": _as_letters(said.split(), got.split()),
        }
        for name, (reference, transcript) in pairs.items():
            counted[name][0].append(edits(reference, transcript)[0])
            counted[name][1].append(len(reference))
    keys = [clip.key for clip in clips]
    rates: dict[str, Any] = {
        "clips": len(clips), "texts": len(set(keys)), "speakers": len({clip.speaker for clip in clips}),
        "characters": sum(len(clip.text) for clip in clips),
    }  # fmt: skip
    for name, (wrong, size) in counted.items():
        low, high = interval(wrong, size, keys)
        rates[name] = {"rate": round(sum(wrong) / max(1, sum(size)), 4), "low": round(low, 4), "high": round(high, 4)}
    return rates


def _as_letters(said: list[str], got: list[str]) -> tuple[str, str]:
    """Each different word as one character, so that words are compared as characters are."""
    letters = {word: chr(0xF0000 + number) for number, word in enumerate(dict.fromkeys(said + got))}
    return "".join(letters[word] for word in said), "".join(letters[word] for word in got)
