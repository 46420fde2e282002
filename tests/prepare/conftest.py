"""What tests of preparation share."""

from tests.prepare.fixtures import corpus, hiss, tree, utterances

__all__ = ["corpus", "hiss", "tree", "utterances"]
