"""What can go wrong in an evaluation through the user's doing, and what simply could not be measured."""

from swaram.errors import SwaramError


class EvaluationError(SwaramError):
    """An evaluation that cannot begin or go on; one sentence."""


class NotMeasured(Exception):
    """A metric whose package, model or recordings are missing; ``str`` is the reason, which goes into the report."""
