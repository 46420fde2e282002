"""What a user can do wrong with a voice."""

from swaram.errors import SwaramError


class VoiceError(SwaramError):
    """A voice that is missing, damaged or does not hold what was asked for."""


class SpeechError(SwaramError):
    """A request that cannot be spoken: no words in it, or a value out of range."""
