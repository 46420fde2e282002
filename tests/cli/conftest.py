"""What tests of the commands share with those of the packages behind them."""

from tests.evaluation.fixtures import deaf_judge, prepared, toy_voice
from tests.prepare.fixtures import corpus, hiss, tree, utterances

__all__ = ["corpus", "deaf_judge", "hiss", "prepared", "toy_voice", "tree", "utterances"]
