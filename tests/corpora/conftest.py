"""What tests of corpora share."""

from tests.corpora.hub import stand_in

__all__ = ["stand_in"]
