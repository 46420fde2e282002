"""Long recordings into pieces by alignment, and texts that do not belong to their recordings.

Two aligners come from the corpus itself, each adapted to one half and judging the other (``alignment.aligner``). What
they find is kept in the database, so that a run that was ended does not find it again.
"""

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from swaram.alignment.aligner import Aligner, Listening, make_aligners
from swaram.alignment.features import RATE
from swaram.alignment.longform import align_long
from swaram.alignment.models import SEED, Spoken, seed_models
from swaram.alignment.pieces import Limits, Piece
from swaram.alignment.words import Word, words_of
from swaram.audio.decode import Decoder
from swaram.audio.files import UNCOMPRESSED, AudioError, read_audio
from swaram.audio.resample import high_pass, resample
from swaram.config.prepare import PrepareSettings
from swaram.corpora.utterance import Utterance
from swaram.files import whole_file
from swaram.prepare.database import Database
from swaram.text.frontend import TextFrontend

# Reasons for which a recording is worth cutting, not dropping.
SPLITTABLE = ("duration: too long", "pauses: one too long", "pauses: too many", "length: recording too long")
TRAINING_SECONDS = 1_200.0  # of recordings that the aligners learn from
LONGEST_FOR_TRAINING = 60.0
POOL_WORDS = 4_000
ENOUGH_SECONDS, FAR_SECONDS = 600.0, 1_200.0
HIGH_PASS = 60.0  # Hz
VERSION = 1  # raised whenever other pieces come out

_aligners: tuple[Aligner, Aligner]
_settings: PrepareSettings
_frontends: dict[str, TextFrontend] = {}


@dataclass(frozen=True)
class Long:
    """A recording to cut: its place in the corpus, its fingerprint and what is known of it, with audio on disk."""

    position: float
    fingerprint: str
    utterance: Utterance
    seconds: float


def is_long(utterance: Utterance, reason: str, settings: PrepareSettings) -> bool:
    """Whether a recording with this reason (empty: it is kept) is to be cut into pieces."""
    if utterance.audio is None or utterance.part_of or not settings.alignment.split:
        return False
    several = len(re.findall(r"[.?!।॥۔؟꯫᱾᱿](?=\s+\S)|\n\s*\S", utterance.text.strip())) > 0
    return reason in SPLITTABLE or (not reason and settings.alignment.sentences and several)


def on_disk(utterance: Utterance, folder: Path, fingerprint: str) -> Utterance:
    """The utterance with its audio in a file that any part can be read from at once: its own, or a copy in ``folder``.

    Bytes are written as they are; hours in a compressed format become FLAC. Raises AudioError.
    """
    audio = utterance.audio
    if isinstance(audio, Path):
        with audio.open("rb") as file:
            head = file.read(4)
        if head in UNCOMPRESSED or Decoder(audio, RATE).measure(90.0) < 90.0:
            return utterance
    copy = folder / f"{utterance.id}.{'bin' if isinstance(audio, bytes) and len(audio) < 4_000_000 else 'flac'}"
    if not copy.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        with whole_file(copy) as partial:
            if copy.suffix == ".bin":
                partial.write_bytes(audio)  # type: ignore[arg-type]
            else:
                _as_flac(audio, partial, utterance.place)
            stamp = int(fingerprint[:7], 16)  # the pieces' fingerprints change with the recording's
            os.utime(partial, (stamp, stamp))
    return replace(utterance, audio=copy)


def _as_flac(source: Path | bytes | None, path: Path, name: str) -> None:
    import soundfile

    assert source is not None
    rate = read_audio(source, name, 0.0, 0.5).sample_rate
    with soundfile.SoundFile(str(path), "w", rate, 1, "PCM_16", format="FLAC") as file:
        for part in Decoder(source, rate, name).pieces():
            file.write(np.clip(part, -1.0, 1.0))


class _Held:
    """Parts of a recording that pass by, kept until they are taken."""

    def __init__(self, audio: Iterator[np.ndarray]) -> None:
        self._audio, self._held, self._at = audio, np.zeros(0, dtype=np.float32), 0

    def __iter__(self) -> Iterator[np.ndarray]:
        for part in self._audio:
            self._held = np.concatenate([self._held, part])
            yield part

    def take(self, start: float, end: float) -> np.ndarray:
        """The samples from ``start`` to ``end`` seconds; what lies before is forgotten."""
        first, last = round(start * RATE) - self._at, round(end * RATE) - self._at
        sound = self._held[first:last].copy()
        self._held, self._at = self._held[last:], self._at + last
        return sound


class Splitting:
    """Aligners made for one run of preparation, and what they find."""

    def __init__(self, out: Path, database: Database, settings: PrepareSettings, long: Sequence[Long]) -> None:
        self.out, self.database, self.settings, self.long = out, database, settings, long
        self._chosen = self._training()
        self.key = _digest(
            VERSION,
            _seed_digest(),
            settings.alignment.model_dump(),
            settings.sound.model_dump(),
            *self._chosen,
            *(one.fingerprint for one in self._far()),
        )
        self._half = {id: number % 2 for number, (id, *_) in enumerate(self._chosen)}
        self._made: tuple[Aligner, Aligner] | None = None

    def half(self, id: str) -> int:
        """Which aligner judges a recording: one that has not learned from it."""
        return self._half.get(id, 0)

    def aligners(self) -> tuple[Aligner, Aligner]:
        """Both, made at the first call."""
        if self._made is None:
            spoken = [self._spoken(*chosen) for chosen in self._chosen]
            far = self._from_far()
            first, second = make_aligners([*far, *(one for one in spoken if one is not None)])
            self._half = {}
            place = len(far)
            for (id, *_), one in zip(self._chosen, spoken, strict=True):
                if one is not None:
                    self._half[id] = place % 2
                    place += 1
            step = max(1, len(first.pool) // POOL_WORDS)
            pool = first.pool[::step]
            self._made = (
                Aligner(first.models, first.calibration, pool),
                Aligner(second.models, second.calibration, pool),
            )
        return self._made

    def _training(self) -> list[tuple[str, str, str, str]]:
        """(id, text, language, fingerprint) of recordings to learn from, in an order that is as good as chance."""
        rows = self.database.execute(
            "select id, json_extract(row, '$.raw_transcript'), language, audio_sha, duration from clips where run = ? "
            "and reason = '' and json_extract(row, '$.part_of') = ''",
            (self.database.run,),
        ).fetchall()
        candidates = [(id, text, language, sha, seconds) for id, text, language, sha, seconds in rows]
        candidates += [
            (one.utterance.id, one.utterance.text, one.utterance.language, one.fingerprint, one.seconds)
            for one in self.long
            if one.seconds <= LONGEST_FOR_TRAINING
        ]
        unique = {candidate[0]: candidate for candidate in candidates}
        chosen, seconds = [], 0.0
        for id, text, language, sha, length in sorted(
            unique.values(), key=lambda c: hashlib.sha256(c[0].encode()).digest()
        ):
            if seconds < TRAINING_SECONDS:
                chosen.append((id, text, language, sha))
                seconds += length or 0.0
        return chosen

    def _far(self) -> list[Long]:
        """Recordings too long to learn from at once, where there is little else to learn from."""
        near = sum(one.seconds for one in self.long if one.seconds <= LONGEST_FOR_TRAINING)
        if near > ENOUGH_SECONDS or len(self._chosen) > ENOUGH_SECONDS / 6:
            return []
        return [one for one in self.long if one.seconds > LONGEST_FOR_TRAINING]

    def _from_far(self) -> list[Spoken]:
        """What the models that ship find in those, up to ``FAR_SECONDS`` in all."""
        spoken: list[Spoken] = []
        seconds = 0.0
        for one in self._far():
            words = words_of(one.utterance.text, _frontend(one.utterance.language))
            aligner = Aligner(seed_models(), None, words[:POOL_WORDS])
            held = _Held(sound_of(one.utterance))
            for part in align_long(held, words, aligner, limits_of(self.settings)):
                for piece in part.pieces:
                    sound = held.take(piece.start, piece.end)
                    if not piece.reason and piece.last > piece.first:
                        heard = Listening.to(sound)
                        spoken.append(Spoken(heard.features, heard.level, words[piece.first : piece.last]))
                        seconds += piece.end - piece.start
                if seconds > FAR_SECONDS:
                    return spoken
        return spoken

    def _spoken(self, id: str, text: str, language: str, _sha: str) -> Spoken | None:
        own = next((one.utterance for one in self.long if one.utterance.id == id), None)
        try:
            if own is None:
                recording = read_audio(self.out / "audio_files" / f"{id}.{self.settings.audio.format}")
            else:
                assert own.audio is not None
                recording = read_audio(own.audio, own.place, own.start or 0.0, own.end)
        except AudioError:
            return None
        words = words_of(text, _frontend(language))
        if not words:
            return None
        heard = listening(recording.audio, recording.sample_rate)
        return Spoken(heard.features, heard.level, words)

    def pieces(self, pool: Callable[[], Executor], progress: Callable[[], None]) -> Iterator[tuple[float, Utterance]]:
        """(position, utterance) of every piece of every long recording, in the corpus's order."""
        waiting: dict[str, Future[list[dict[str, Any]]]] = {}
        for one in self.long:
            id = one.utterance.id
            if self.database.cuts(id, _digest(self.key, one.fingerprint)) is None:
                waiting[id] = pool().submit(cut_one, one.utterance, self.half(id))
        for one in self.long:
            id, key = one.utterance.id, _digest(self.key, one.fingerprint)
            if id in waiting:
                self.database.note_cuts(id, key, waiting[id].result())
                progress()
            cuts = self.database.cuts(id, key) or []
            for number, cut in enumerate(cuts, start=1):
                yield one.position + number / (len(cuts) + 1), _part(one.utterance, cut, number, len(cuts))
        self.database.commit()

    def check(self, pool: Callable[[], Executor], progress: Callable[[], None]) -> None:
        """Note of every kept clip that was not cut whether its text belongs to it; ``gates.collection`` reads it."""
        rows = self.database.execute(
            "select id, json_extract(row, '$.raw_transcript'), language, audio_sha from clips where run = ? and "
            "reason = '' and json_extract(row, '$.part_of') = '' order by position",
            (self.database.run,),
        ).fetchall()
        if len(rows) < self.settings.alignment.min_clips_for_check:
            return
        waiting = []
        for id, text, language, sha in rows:
            key = _digest(self.key, sha, text)
            if self.database.cuts(id, key) is None:
                path = self.out / "audio_files" / f"{id}.{self.settings.audio.format}"
                waiting.append((id, key, pool().submit(check_one, path, text, language, self.half(id))))
        for id, key, judged in waiting:
            self.database.note_cuts(id, key, [{"reason": judged.result()}])
            progress()
        for id, text, _language, sha in rows:
            known = self.database.cuts(id, _digest(self.key, sha, text)) or [{"reason": ""}]
            self.database.note_doubt(id, known[0]["reason"])
        self.database.commit()


def start_worker(aligners: tuple[Aligner, Aligner], settings: PrepareSettings) -> None:
    """Runs once in each worker."""
    global _aligners, _settings
    _aligners, _settings = aligners, settings


def cut_one(utterance: Utterance, half: int) -> list[dict[str, Any]]:
    """The pieces of one recording as plain data: start, end (seconds of the recording), text, reason."""
    return cut_recording(utterance, _aligners[half], _settings)


def cut_recording(utterance: Utterance, aligner: Aligner, settings: PrepareSettings) -> list[dict[str, Any]]:
    """As ``cut_one``, with an aligner of one's own; texts are slices of the utterance's."""
    words = words_of(utterance.text, _frontend(utterance.language))
    hints = _hints(utterance, words)
    pieces: list[Piece] = []
    try:
        for part in align_long(sound_of(utterance), words, aligner, limits_of(settings), hints):
            pieces += part.pieces
    except AudioError as error:
        return [{"start": 0.0, "end": 0.0, "text": utterance.text, "reason": f"decode: {str(error)[:80]}"}]
    cuts = []
    for piece in pieces:
        text = utterance.text[words[piece.first].start : words[piece.last - 1].end] if piece.last > piece.first else ""
        cuts.append({"start": round(piece.start, 3), "end": round(piece.end, 3), "text": text, "reason": piece.reason})
    return cuts


def check_one(path: Path | bytes, text: str, language: str, half: int) -> str:
    """Why the text of a written clip, or of its content, is doubtful, or an empty string."""
    words = words_of(text, _frontend(language))
    recording = read_audio(path)
    return _aligners[half].doubtful(listening(recording.audio, recording.sample_rate), words) if words else ""


def limits_of(settings: PrepareSettings) -> Limits:
    """How long pieces may be, from the gates that will judge them."""
    sound, audio = settings.sound, settings.audio
    return Limits(
        sound.min_duration, sound.max_duration, sound.max_pause, audio.longest_pause, sound.max_pauses_removed,
        settings.alignment.sentences,
    )  # fmt: skip


def listening(audio: np.ndarray, sample_rate: int) -> Listening:
    """float32 [samples], mono, at ``sample_rate`` Hz, as the aligner hears it."""
    return Listening.to(high_pass(resample(audio, sample_rate, RATE), RATE, HIGH_PASS))


def sound_of(utterance: Utterance) -> Iterator[np.ndarray]:
    """The part of its recording that an utterance is, at 16,000 Hz: float32 [n] each. Raises AudioError."""
    assert utterance.audio is not None
    begin, end = utterance.start or 0.0, utterance.end
    at = 0.0
    for part in Decoder(utterance.audio, RATE, utterance.place).pieces():
        first, last = round((begin - at) * RATE), len(part) if end is None else round((end - at) * RATE)
        at += len(part) / RATE
        if last > max(0, first):
            yield high_pass(part, RATE, HIGH_PASS)[max(0, first) : last]
        if end is not None and at >= end:
            break


def _part(utterance: Utterance, cut: dict[str, Any], number: int, count: int) -> Utterance:
    begin = utterance.start or 0.0
    width = max(2, len(str(count)))
    return replace(
        utterance,
        id=f"{utterance.id}.{number:0{width}}",
        text=cut["text"],
        start=begin + cut["start"],
        end=begin + cut["end"],
        place=f"{utterance.place} ({cut['start']:.2f} to {cut['end']:.2f} s)",
        stated_duration=None,
        part_of=utterance.id,
        part=(number, count),
        doubt=cut["reason"],
        hints=(),
    )


def _hints(utterance: Utterance, words: Sequence[Word]) -> list[float]:
    """About when each word begins: the times of the utterance's hints, spread over the characters between them."""
    if not utterance.hints or not words:
        return []
    places, times = zip(*utterance.hints, strict=True)
    return list(np.maximum.accumulate(np.interp([word.start for word in words], places, times)))


def _frontend(language: str) -> TextFrontend:
    if language not in _frontends:
        _frontends[language] = TextFrontend(language)
    return _frontends[language]


def _digest(*values: object) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()


def _seed_digest() -> str:
    from importlib import resources

    return hashlib.sha256(resources.files("swaram.alignment").joinpath(SEED).read_bytes()).hexdigest()
