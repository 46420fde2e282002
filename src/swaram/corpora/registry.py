"""The corpora by name: what reads each, where it can be fetched, and which are known and refused."""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from swaram.corpora.description import ReadOptions
from swaram.corpora.utterance import CorpusError, Utterance


@dataclass(frozen=True)
class Corpus:
    """One corpus: its command-line name, its reader's module, what a person should know, and where it lives.

    ``hub`` is the data set's name on the hub; empty where it is not there.
    """

    name: str
    module: str
    summary: str
    hub: str = ""

    def read(self, folder: Path, options: ReadOptions) -> Iterator[Utterance]:
        """Yield its utterances; of the chosen language only, where the options name one and rows say theirs."""
        for utterance in self._reader().read(folder, options):
            other = options.language and utterance.language and utterance.language != options.language
            if utterance.fault or not other:
                yield utterance

    def count(self, folder: Path) -> int | None:
        """How many utterances there are, where that is cheap to know."""
        return self._reader().count(folder)

    def _reader(self):  # type: ignore[no-untyped-def]
        return importlib.import_module(f"swaram.corpora.{self.module}")


CORPORA = {
    corpus.name: corpus
    for corpus in (
        Corpus("msc", "msc", "Malayalam Speech Corpus of SMC (CC BY-SA 4.0)."),
        Corpus(
            "indicvoices",
            "indicvoices",
            "IndicVoices of AI4Bharat: hub shards or the raw release (CC BY 4.0).",
            "ai4bharat/IndicVoices",
        ),
        Corpus(
            "indicvoices-r",
            "indicvoices_r",
            "IndicVoices-R of AI4Bharat, 48 kHz (CC BY 4.0).",
            "ai4bharat/indicvoices_r",
        ),
        Corpus(
            "rasa",
            "rasa",
            "Rasa of AI4Bharat, studio recordings (CC BY 4.0).",
            "ai4bharat/Rasa",
        ),
        Corpus(
            "svarah",
            "svarah",
            "Svarah of AI4Bharat, Indian English (CC BY 4.0).",
            "ai4bharat/Svarah",
        ),
        Corpus(
            "kathbath",
            "kathbath",
            "Kathbath of AI4Bharat; left out by the news gate unless allowed (CC BY 4.0).",
            "ai4bharat/Kathbath",
        ),
        Corpus("iitm", "iitm", "Indic TTS database of IIT Madras (its own licence agreement)."),
        Corpus("openslr", "openslr", "OpenSLR 63, 64, 65, 66, 78, 79 (CC BY-SA 4.0)."),
        Corpus("common-voice", "common_voice", "One language of Mozilla's Common Voice (CC0)."),
        Corpus("ljspeech", "ljspeech", "Any corpus in LJSpeech's layout: metadata.csv and wavs/."),
        Corpus(
            "audiobook",
            "audiobook",
            "Long recordings, each beside its whole text (.txt, .srt, .vtt, .TextGrid, .json).",
        ),
        Corpus("folder", "layout", "A data folder: audio_files/, transcripts/, meta/, metadata.csv."),
    )
}

NEWS_CORPORA = {
    "shrutilipi": "Shrutilipi is mined from the news bulletins of All India Radio",
    "newsonair": "NewsOnAir is the news of All India Radio",
    "ddnews": "DD News is television news",
    "air": "these are recordings of All India Radio news",
    "mann-ki-baat": "Mann ki Baat is a political radio address",
}


def get_corpus(name: str) -> Corpus:
    """The corpus of a name; a ``CorpusError`` for news corpora, with the reason, and for names not known."""
    wanted = name.strip().lower().replace("_", "-")
    if wanted in NEWS_CORPORA:
        raise CorpusError(f"{name}: {NEWS_CORPORA[wanted]}, which swaram leaves out; choose another corpus")
    if wanted not in CORPORA:
        raise CorpusError(f"{name}: no such corpus; choose one of {', '.join(CORPORA)}")
    return CORPORA[wanted]
