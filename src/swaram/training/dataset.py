"""Prepared utterances for training: rows of a metadata file joined to the manifest, every drop with a reason."""

import csv
import hashlib
import io
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile

from swaram.audio.pitch import pitch_track
from swaram.config.config import Config
from swaram.config.model import HarmonicConfig
from swaram.errors import SwaramError
from swaram.prepare.manifest import Clip, ManifestError, has_manifest, read_manifest
from swaram.text.symbols import SymbolTable

MEMORY_LIMIT_BYTES = 2 * 2**30  # decoded audio is kept in memory below this (about 18 hours at 16 kHz)


class DataError(SwaramError):
    """Training data that cannot be used; the message names the file and the row."""


@dataclass(frozen=True)
class EncodedClip:
    """One utterance as training takes it.

    ``symbols``: numbers of the symbol table; ``samples``: length at ``data.sample_rate``; ``language``: a place in
    ``data.languages``; ``style``: 0 for none, n for the n-th of ``data.styles``.
    """

    path: Path
    transcript: str
    symbols: tuple[int, ...]
    speaker: str
    samples: int
    language: int = 0
    style: int = 0


@dataclass
class Dataset:
    """Clips that can be trained on, and why the others cannot: reason to clips and seconds."""

    clips: list[EncodedClip]
    sample_rate: int
    dropped: Counter[str] = field(default_factory=Counter)
    dropped_seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    durations: list[np.ndarray] = field(default_factory=list)  # of each clip, where an alignment was made beforehand
    unlisted_styles: Counter[str] = field(default_factory=Counter)  # of clips that count as having none
    pitch_hop: int = 0  # samples a frame of the pitch tracks, where the decoder needs them
    _memory: dict[int, np.ndarray] = field(default_factory=dict)
    _pitch: dict[int, np.ndarray] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Length of all clips."""
        return sum(clip.samples for clip in self.clips) / self.sample_rate

    @property
    def speakers(self) -> list[str]:
        """Names of the speakers, sorted."""
        return sorted({clip.speaker for clip in self.clips})

    def audio(self, index: int) -> np.ndarray:
        """Audio of one clip: float32 [samples], mono, -1..1, at ``sample_rate`` Hz."""
        pcm = self._memory.get(index)
        if pcm is None:
            path = self.clips[index].path
            try:
                pcm, _ = soundfile.read(path, dtype="int16")
            except (soundfile.LibsndfileError, OSError) as error:
                raise DataError(f"{path} was readable when the training began and is not now: {error}") from None
            if self.seconds * self.sample_rate * 2 <= MEMORY_LIMIT_BYTES:
                self._memory[index] = pcm
        return pcm.astype(np.float32) / 32768.0

    def pitch(self, index: int) -> np.ndarray:
        """Pitch of one clip, float32 [2, frames]: Hz, and 1 where voiced; tracked once, when first asked for."""
        track = self._pitch.get(index)
        if track is None:
            track = self._pitch[index] = pitch_track(self.audio(index), self.sample_rate, self.pitch_hop)
        return track

    def content(self, index: int) -> str:
        """Digest of the bytes of one clip's file, as it is on the disk now."""
        path = self.clips[index].path
        try:
            return hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise DataError(f"{path} was readable when the training began and is not now: {error}") from None

    def leave_out(self, clip: EncodedClip, reason: str) -> None:
        """Take a clip out again, with a reason; its audio must not have been asked for yet."""
        self.clips.remove(clip)
        self.dropped[reason] += 1
        self.dropped_seconds[reason] += clip.samples / self.sample_rate

    def summary(self) -> str:
        """One line for each fact: what is kept, what is dropped and why."""
        lines = [f"{len(self.clips)} clips, {self.seconds / 60:.1f} minutes, {len(self.speakers)} speakers"]
        for reason, count in sorted(self.dropped.items()):
            lines.append(f"  left out {count} ({self.dropped_seconds[reason] / 60:.1f} minutes): {reason}")
        for style, count in sorted(self.unlisted_styles.items()):
            lines.append(f"  {count} of style {style}, not in data.styles: they count as no style")
        return "\n".join(lines)


def load_dataset(metadata: str | Path, config: Config, symbols: SymbolTable, may_be_empty: bool = False) -> Dataset:
    """Read ``path|transcript`` rows and the manifest beside them.

    Without a manifest every clip has one speaker. Raises DataError when the file is missing, a row has
    not two columns, or nothing usable is left (unless it ``may_be_empty``); anything wrong with a single clip is a
    counted reason.
    """
    metadata = Path(metadata)
    rows = _read_rows(metadata)
    known: dict[str, Clip] = {}
    if has_manifest(metadata.parent):
        try:
            known = {clip.name: clip for clip in read_manifest(metadata.parent, ("speaker",))}
        except ManifestError as error:
            raise DataError(str(error)) from None
    dataset = Dataset([], config.data.sample_rate)
    if isinstance(config.model.decoder, HarmonicConfig):
        dataset.pitch_hop = config.data.hop_length
    for name, transcript in rows:
        facts = known.get(name) or Clip(metadata.parent / name)
        clip, reason, seconds = _check(facts, transcript, config, symbols)
        if clip is None:
            dataset.dropped[reason] += 1
            dataset.dropped_seconds[reason] += seconds
        else:
            dataset.clips.append(clip)
            if facts.style and not clip.style:
                dataset.unlisted_styles[facts.style] += 1
    if not dataset.clips and not may_be_empty:
        reasons = "; ".join(f"{reason}: {count}" for reason, count in dataset.dropped.items())
        raise DataError(f"{metadata} holds no clip to train on ({reasons or 'it is empty'})")
    return dataset


def _read_rows(metadata: Path) -> list[tuple[str, str]]:
    try:
        text = metadata.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{metadata} does not exist; make it with `swaram prepare`") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{metadata} is not readable text: {error}") from None
    rows = []
    lines = io.StringIO(text, newline="")  # splits at ends of lines alone, not at U+2028 and its like
    for number, row in enumerate(csv.reader(lines, delimiter="|", quoting=csv.QUOTE_NONE), start=1):
        if len(row) != 2:
            raise DataError(
                f"{metadata}, row {number}: expected path_to_audio_file|transcript, found {len(row)} columns"
            )
        rows.append((row[0], row[1]))
    return rows


def _check(facts: Clip, transcript: str, config: Config, symbols: SymbolTable) -> tuple[EncodedClip | None, str, float]:
    data, path = config.data, facts.path
    try:
        info = soundfile.info(str(path))
    except (soundfile.LibsndfileError, OSError):
        return None, "missing file" if not path.exists() else "unreadable audio", 0.0
    seconds = info.duration
    if info.samplerate != data.sample_rate:
        return None, f"sample rate {info.samplerate} Hz, not data.sample_rate {data.sample_rate} Hz", seconds
    if info.channels != 1:
        return None, "not mono", seconds
    unknown = set(transcript) - set(symbols.symbols)
    language = facts.language or data.languages[0]
    if language not in data.languages:
        return None, f"language {language}, not in data.languages", seconds
    if unknown or not transcript.strip():
        return None, "symbols outside the table" if unknown else "empty transcript", seconds
    ids = tuple(symbols.encode(transcript))
    frames = info.frames // data.hop_length
    if frames < data.min_frames:
        return None, f"shorter than data.min_frames {data.min_frames}", seconds
    if frames > data.max_frames:
        return None, f"longer than data.max_frames {data.max_frames}", seconds
    if len(ids) > data.max_symbols:
        return None, f"more symbols than data.max_symbols {data.max_symbols}", seconds
    if frames < len(ids):
        return None, "fewer frames than symbols", seconds
    style = data.styles.index(facts.style) + 1 if facts.style in data.styles else 0
    speaker = facts.speaker or "speaker"
    return EncodedClip(path, transcript, ids, speaker, info.frames, data.languages.index(language), style), "", seconds
