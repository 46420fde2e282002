"""Readers of speech corpora, one file each, and all yield the same ``Utterance``.

``Provenance`` says where recordings come from; ``CorpusError`` is what a missing or unreadable corpus raises.
"""

from swaram.corpora.utterance import CorpusError, Provenance, Utterance

__all__ = ["CorpusError", "Provenance", "Utterance"]
