"""Readers of speech corpora, one file each, and all yield the same ``Utterance``.

``get_corpus`` finds a reader by name; ``CorpusError`` is what a missing or unreadable corpus raises.
"""

from swaram.corpora.description import ReadOptions
from swaram.corpora.registry import CORPORA, Corpus, get_corpus
from swaram.corpora.utterance import CorpusError, Provenance, Utterance

__all__ = ["CORPORA", "Corpus", "CorpusError", "Provenance", "ReadOptions", "Utterance", "get_corpus"]
