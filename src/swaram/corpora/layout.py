"""The layout that preparation itself writes: ``audio_files/``, ``transcripts/``, ``meta/`` and ``metadata.csv``."""

from collections.abc import Iterator
from pathlib import Path

from swaram.corpora.audio_files import AudioFiles, has_audio_ending, without_ending
from swaram.corpora.description import ReadOptions, described
from swaram.corpora.ljspeech import stated_provenance
from swaram.corpora.sentences import Sentence, read_sentences
from swaram.corpora.tables import corpus_folder, read_rows
from swaram.corpora.utterance import Utterance, utterance_id

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
    files = AudioFiles(folder, "audio_files")
    for row in _rows(folder):
        audio = files.find(row.name)
        name = Path(row.name.replace("\\", "/")).name
        facts = speakers.get("") or next((speakers[s] for s in speakers if name.startswith(s)), {})
        speaker = row.speaker or facts.get("speaker_id") or "reader"
        yield Utterance(
            id=utterance_id(origin.source, files.key(audio) if audio else files.key_of_name(row.name)),
            provenance=origin,
            language=options.language,
            speaker=f"{origin.source}-{speaker}",
            text=row.text,
            audio=audio,
            place=f"metadata.csv:{row.line}" if row.line else row.name,
            fault=row.fault or ("path leads out of the folder" if files.leads_outside(row.name) else ""),
            **(described(facts) | {"stated_duration": None}),
        )


def count(folder: Path) -> int | None:
    """Not known before reading."""
    return None


def _rows(folder: Path) -> Iterator[Sentence]:
    if (folder / "metadata.csv").exists():
        yield from read_sentences(folder / "metadata.csv")
        return
    home = folder / "audio_files"
    transcripts = AudioFiles(folder, "transcripts")
    for path in sorted(home.rglob("*")):
        if has_audio_ending(path.name) and path.is_file():
            name = path.relative_to(home).as_posix()
            said = transcripts.find(f"transcripts/{without_ending(name)}.txt")
            text = said.read_text(encoding="utf-8-sig", errors="replace").strip() if said else ""
            yield Sentence(0, f"audio_files/{name}", text)


def _speakers(folder: Path) -> dict[str, dict[str, str]]:
    """Rows of the table of speakers by speaker, longest first; under an empty name where there is only one."""
    if not (folder / STATS).exists():
        return {}
    rows = {row["speaker_id"]: row for _line, row in read_rows(folder / STATS, None, ("speaker_id",), ",")}
    if len(rows) == 1:
        return {"": next(iter(rows.values()))}
    return {speaker: rows[speaker] for speaker in sorted(rows, key=len, reverse=True)}
