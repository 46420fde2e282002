"""The layout that preparation itself writes: ``audio_files/``, ``transcripts/``, ``meta/`` and ``metadata.csv``."""

from collections.abc import Iterator
from pathlib import Path

from swaram.corpora.description import ReadOptions, described
from swaram.corpora.ljspeech import stated_provenance
from swaram.corpora.records import AUDIO_ENDINGS
from swaram.corpora.tables import corpus_folder, read_rows
from swaram.corpora.utterance import CorpusError, Utterance, utterance_id

STATS = Path("meta") / "meta_speaker_stats.csv"


def read(folder: Path, options: ReadOptions) -> Iterator[Utterance]:
    """Yield the lines ``path_to_audio_file|transcript`` of ``metadata.csv``.

    Without that table, each file of ``audio_files/`` with the file of the same name in ``transcripts/``. The
    speaker is the one of ``meta/meta_speaker_stats.csv`` whose name the file's begins with, else the table's
    only one.
    """
    corpus_folder(folder, "a prepared or hand-made data folder", "audio_files")
    origin = stated_provenance(folder, options, "own")
    speakers = _speakers(folder)
    for place, path, text in _lines(folder):
        row = speakers.get("") or next((speakers[s] for s in speakers if path.stem.startswith(s)), {})
        speaker = row.get("speaker_id") or "reader"
        yield Utterance(
            id=utterance_id(origin.source, path.stem),
            provenance=origin,
            language=options.language,
            speaker=f"{origin.source}-{speaker}",
            text=text,
            audio=path if path.is_file() else None,
            place=place,
            **(described(row) | {"stated_duration": None}),
        )


def count(folder: Path) -> int | None:
    """Not known before reading."""
    return None


def _lines(folder: Path) -> Iterator[tuple[str, Path, str]]:
    table = folder / "metadata.csv"
    if table.exists():
        for line, row in read_rows(table, ("path", "transcript"), separator="|"):
            relative = Path(row["path"])
            if relative.is_absolute() or ".." in relative.parts:
                raise CorpusError(f"{table}:{line}: {row['path']!r} points outside of the folder")
            yield f"metadata.csv:{line}", folder / relative, row["transcript"]
        return
    for path in sorted((folder / "audio_files").iterdir()):
        if path.suffix.lower() in AUDIO_ENDINGS:
            transcript = folder / "transcripts" / f"{path.stem}.txt"
            text = transcript.read_text(encoding="utf-8", errors="replace").strip() if transcript.exists() else ""
            yield f"audio_files/{path.name}", path, text


def _speakers(folder: Path) -> dict[str, dict[str, str]]:
    """Rows of the table of speakers by speaker, longest first; under an empty name where there is only one."""
    if not (folder / STATS).exists():
        return {}
    rows = {row["speaker_id"]: row for _line, row in read_rows(folder / STATS, None, ("speaker_id",), ",")}
    if len(rows) == 1:
        return {"": next(iter(rows.values()))}
    return {speaker: rows[speaker] for speaker in sorted(rows, key=len, reverse=True)}
