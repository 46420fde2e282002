"""What tests of evaluation share."""

from tests.evaluation.fixtures import deaf_judge, prepared, toy_voice

__all__ = ["deaf_judge", "prepared", "toy_voice"]
