"""The one error of this package."""

from swaram.errors import SwaramError


class RecognizerError(SwaramError):
    """A recogniser, or data for one, that cannot be used; the message names the file."""
