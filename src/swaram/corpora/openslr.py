"""OpenSLR 63, 64, 65, 66, 78 and 79: read speech of six languages, gathered by Google; folders or their zips."""

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from swaram.corpora.audio_files import AudioFiles, has_audio_ending, without_ending
from swaram.corpora.description import ReadOptions
from swaram.corpora.tables import corpus_folder, split_lines
from swaram.corpora.utterance import CorpusError, Provenance, Utterance, utterance_id

SETS = {"ml": 63, "mr": 64, "ta": 65, "te": 66, "gu": 78, "kn": 79}
GENDERS = {"f": "female", "m": "male"}


def provenance(language: str) -> Provenance:
    """Source, licence and attribution of one language's set."""
    number = SETS[language]
    return Provenance(
        source=f"slr{number}",
        title=f"OpenSLR {number}",
        licence="CC-BY-SA-4.0",
        licence_url="https://creativecommons.org/licenses/by-sa/4.0/",
        attribution=f"OpenSLR {number}, crowdsourced speech by Google (https://www.openslr.org/{number}/)",
    )


UNKNOWN = Provenance("slr", "OpenSLR", "", "", "OpenSLR, crowdsourced speech by Google (https://www.openslr.org)")


def archives(language: str) -> tuple[str, ...]:
    """File names of the archives of one language."""
    genders = ("female",) if language == "mr" else ("female", "male")
    return tuple(f"{language}_in_{gender}.zip" for gender in genders)


def read(folder: Path, options: ReadOptions) -> Iterator[Utterance]:
    """Yield the lines of every ``line_index*.tsv`` in the folder, and of those within its zip archives."""
    corpus_folder(folder, "an OpenSLR set")
    tables = sorted(folder.rglob("line_index*.tsv"))
    zips = sorted(folder.rglob("*.zip"))
    if not tables and not zips:
        raise CorpusError(f"{folder}: holds neither line_index*.tsv nor a zip archive of OpenSLR")
    for table in tables:
        text = table.read_text(encoding="utf-8-sig", errors="replace")
        files = AudioFiles(table.parent)
        audio = {path.stem: path for path in sorted(table.parent.rglob("*")) if has_audio_ending(path.name)}
        for place, key, said in _lines(text, table.name):
            yield _utterance(key, said, files.find(key) or audio.get(without_ending(key)), place, table.name, options)
    for archive in zips:
        yield from _zip(archive, options)


def count(folder: Path) -> int | None:
    """Not known before reading."""
    return None


def _zip(archive: Path, options: ReadOptions) -> Iterator[Utterance]:
    try:
        with zipfile.ZipFile(archive) as file:
            tables = [name for name in file.namelist() if Path(name).name.startswith("line_index")]
            audio = {Path(name).stem: name for name in file.namelist() if has_audio_ending(name)}
            for table in sorted(tables):
                text = file.read(table).decode("utf-8-sig", errors="replace")
                for place, key, said in _lines(text, f"{archive.name}:{table}"):
                    content: bytes | None
                    try:
                        content = file.read(audio[key]) if key in audio else None
                    except (zipfile.BadZipFile, zlib.error, EOFError):
                        content = b"damaged"  # the decode gate finds that it is no audio
                    yield _utterance(key, said, content, place, f"{archive.name} {table}", options)
    except (zipfile.BadZipFile, OSError) as error:
        raise CorpusError(f"{archive}: the archive cannot be read ({error}); fetch it again") from error


def _lines(text: str, name: str) -> Iterator[tuple[str, str, str]]:
    for line, content in enumerate(split_lines(text), 1):
        if content.strip():
            key, _, said = content.partition("\t")
            yield f"{name}:{line}", key.strip(), said.strip()


def _utterance(
    key: str, said: str, audio: Path | bytes | None, place: str, table: str, options: ReadOptions
) -> Utterance:
    # mlf_02879_01795762363: language and sex, speaker, utterance; Marathi's mrt says nothing of the sex.
    head, speaker, *_rest = [*key.split("_"), "", ""]
    language = head[:2] if head[:2] in SETS else options.language
    gender = GENDERS.get(head[2:3], "") or next((g for g in ("female", "male") if g in table), "")
    origin = provenance(language) if language in SETS else UNKNOWN
    return Utterance(
        id=utterance_id(origin.source, key),
        provenance=origin,
        language=language if language in SETS else "",
        speaker=f"{origin.source}-{speaker}" if speaker else "",
        text=said,
        audio=audio,
        place=place,
        gender=gender or ("female" if language == "mr" else ""),
        scenario="Read",
        stated_rate=None,
        fault="" if language in SETS else "id names no language of these sets; give --language",
    )
