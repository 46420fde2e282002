"""The layout of LJSpeech, which many single-speaker corpora follow: ``metadata.csv`` and ``wavs/``."""

from collections.abc import Iterator
from pathlib import Path

from swaram.corpora.audio_files import AudioFiles
from swaram.corpora.description import ReadOptions
from swaram.corpora.sentences import read_sentences
from swaram.corpora.tables import corpus_folder
from swaram.corpora.utterance import CorpusError, Provenance, Utterance, utterance_id


def read(folder: Path, options: ReadOptions) -> Iterator[Utterance]:
    """Yield the lines ``id|raw|normalised`` (the third may be missing) or ``id|speaker|text``.

    The person names language and licence.
    """
    corpus_folder(folder, "a corpus in the layout of LJSpeech", "metadata.csv")
    origin = stated_provenance(folder, options, "lj")
    files = AudioFiles(folder, "wavs")
    for row in read_sentences(folder / "metadata.csv"):
        audio = files.find(row.name)
        yield Utterance(
            id=utterance_id(origin.source, files.key(audio) if audio else files.key_of_name(row.name)),
            provenance=origin,
            language=options.language,
            speaker=f"{origin.source}-{row.speaker or 'reader'}",
            text=row.text,
            audio=audio,
            place=f"metadata.csv:{row.line}",
            scenario="Read",
            fault=row.fault,
        )


def count(folder: Path) -> int | None:
    """Not known before reading."""
    return None


def stated_provenance(folder: Path, options: ReadOptions, source: str) -> Provenance:
    """Provenance of a layout that carries none: the person's word for it, or a ``CorpusError``."""
    for name in ("language", "licence"):
        if not getattr(options, name):
            raise CorpusError(f"{folder}: this layout does not say its {name}; give --{name}")
    return Provenance(
        source=options.source or source,
        title=folder.resolve().name,
        licence=options.licence,
        licence_url="",
        attribution=f"{folder.resolve().name}, licence as stated by the person who prepared it",
    )
