"""Evaluation: how good a voice is beside recordings of sentences it never saw, in numbers, plots and sound.

The recogniser that listens lives in ``recognizer``; heavier metrics come with the extra ``evaluate``, and what is
missing is reported as not measured.
"""

from swaram.evaluation.errors import EvaluationError

__all__ = ["EvaluationError"]
