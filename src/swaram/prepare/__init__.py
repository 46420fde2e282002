"""Preparation: a corpus goes in, clips fit to train a voice on come out, and every clip left out has a counted reason.

``prepare_corpus`` runs it all; ``PrepareSettings`` holds every threshold.
"""

from swaram.config.prepare import PrepareSettings

__all__ = ["PrepareSettings"]
