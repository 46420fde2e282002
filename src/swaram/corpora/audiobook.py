"""Long recordings, each with its whole text beside it: chapters of a book, speeches, recitations."""

from collections.abc import Iterator
from pathlib import Path

from swaram.corpora.audio_files import PREPARED, has_audio_ending
from swaram.corpora.description import ReadOptions
from swaram.corpora.ljspeech import stated_provenance
from swaram.corpora.tables import corpus_folder
from swaram.corpora.timed_text import TEXT_ENDINGS, TimedText, read_timed_text
from swaram.corpora.utterance import CorpusError, Utterance, utterance_id


def read(folder: Path, options: ReadOptions) -> Iterator[Utterance]:
    """Yield every recording with the text of the same name (.txt, .srt, .vtt, .TextGrid or .json).

    Where there are several, the first of these endings counts: a text that somebody wrote is rather whole than
    subtitles; their times are then hints all the same. A folder inside the folder is a reader of its own.
    """
    corpus_folder(folder, "long recordings with their texts")
    origin = stated_provenance(folder, options, "book")
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not _prepared(path, folder)]
    texts: dict[str, list[Path]] = {}
    for path in files:
        if path.suffix.lower() in TEXT_ENDINGS:
            texts.setdefault(_stem(path, folder), []).append(path)
    recordings = [path for path in files if has_audio_ending(path.name)]
    if not recordings:
        raise CorpusError(f"{folder}: holds no recording; put each beside its text, such as 01.mp3 and 01.txt")
    for path in recordings:
        key = path.relative_to(folder).with_suffix("").as_posix()
        beside = sorted(texts.get(_stem(path, folder), []), key=lambda p: TEXT_ENDINGS.index(p.suffix.lower()))
        timed, fault = TimedText(""), "" if beside else "recording without a text of its name"
        try:
            timed = read_timed_text(beside[0]) if beside else timed
        except CorpusError:
            fault = "text that cannot be read"
        yield Utterance(
            id=utterance_id(origin.source, key),
            provenance=origin,
            language=options.language,
            speaker=f"{origin.source}-{path.parent.name if path.parent != folder else 'reader'}",
            text=timed.text,
            audio=path,
            place=path.relative_to(folder).as_posix(),
            scenario="Read",
            fault=fault,
            hints=timed.hints,
        )


def count(folder: Path) -> int | None:
    """Not known before reading."""
    return None


def _stem(path: Path, folder: Path) -> str:
    return path.relative_to(folder).with_suffix("").as_posix().casefold()


def _prepared(path: Path, folder: Path) -> bool:
    """Whether preparation wrote it, or it is hidden."""
    parents = [parent for parent in path.parents if parent == folder or folder in parent.parents]
    return path.name.startswith(".") or any((parent / PREPARED).exists() for parent in parents)
