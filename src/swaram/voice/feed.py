"""A text that is still being written: its sentences are read as soon as they are complete."""

from dataclasses import replace

from swaram.text.frontend import Notice
from swaram.voice.passages import Passage, Reader, Reading

MAX_PENDING_CHARACTERS = 1200
_ENDS = ".?!"


class TextFeed:
    """Pieces of text in, complete passages out; positions count from the beginning of the whole text.

    The last sentence is held until another follows, until it ends with a full stop and a space, until it grows
    beyond ``MAX_PENDING_CHARACTERS``, or until it is flushed.
    """

    def __init__(self, reader: Reader, sentence_ends: str) -> None:
        self._reader = reader
        self._ends = set(sentence_ends) | set(_ENDS) | {"\n"}
        self._base = 0
        self._pending = ""
        self._may_end = False

    def push(self, text: str, flush: bool = False) -> Reading:
        """Take the next piece (it may be empty); return what became complete, everything where ``flush``."""
        self._pending += text
        self._may_end = self._may_end or self._holds_end(text)
        if not self._pending or not (flush or self._may_end or len(self._pending) > MAX_PENDING_CHARACTERS):
            return Reading([], [])
        reading = self._reader.read_part(self._pending)
        held = 0 if flush else self._held(reading.passages)
        passages = reading.passages[: len(reading.passages) - held]
        end = min(reading.passages[-held].origins) if held else len(self._pending)
        notices = [notice for notice in reading.notices if notice.start < end]
        base, self._base, self._pending = self._base, self._base + end, self._pending[end:]
        self._may_end = self._holds_end(self._pending)
        return Reading(
            [replace(passage, origins=[base + origin for origin in passage.origins]) for passage in passages],
            [Notice(n.kind, base + n.start, base + n.end, n.message) for n in notices],
        )

    def _holds_end(self, text: str) -> bool:
        return not self._ends.isdisjoint(text)

    def _held(self, passages: list[Passage]) -> int:
        """How many passages at the end wait for more text."""
        if not passages:
            return 0
        if passages[-1].text.rstrip("\"'")[-1:] in _ENDS and self._pending[-1].isspace():
            return 0
        if len(self._pending) > MAX_PENDING_CHARACTERS:
            return 1 if len(passages) > 1 else 0
        return next(n for n, passage in enumerate(reversed(passages), 1) if passage.begins_sentence)
