"""The layout of LJSpeech, which many single-speaker corpora follow: ``metadata.csv`` and ``wavs/``."""

from collections.abc import Iterator
from pathlib import Path

from swaram.corpora.description import ReadOptions
from swaram.corpora.records import AUDIO_ENDINGS
from swaram.corpora.tables import corpus_folder, read_rows
from swaram.corpora.utterance import CorpusError, Provenance, Utterance, utterance_id


def read(folder: Path, options: ReadOptions) -> Iterator[Utterance]:
    """Yield the lines ``id|raw|normalised`` (the third may be missing); the person names language and licence."""
    corpus_folder(folder, "a corpus in the layout of LJSpeech", "metadata.csv")
    origin = stated_provenance(folder, options, "lj")
    for line, row in read_rows(folder / "metadata.csv", ("id", "raw", "normalised"), separator="|"):
        named = folder / "wavs" / row["id"]
        endings = [named] if named.suffix in AUDIO_ENDINGS else [Path(f"{named}{e}") for e in AUDIO_ENDINGS]
        yield Utterance(
            id=utterance_id(origin.source, named.stem if named.suffix in AUDIO_ENDINGS else row["id"]),
            provenance=origin,
            language=options.language,
            speaker=f"{origin.source}-reader",
            text=row["normalised"] or row["raw"],
            audio=next((path for path in endings if path.is_file()), None),
            place=f"metadata.csv:{line}",
            scenario="Read",
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
