"""The one exception that a user can cause: a single sentence saying what is wrong, where, and what to do."""


class SwaramError(Exception):
    """Base of every error a user can cause; ``str(error)`` is the whole message, one sentence, no traceback.

    Packages subclass it (``ConfigError``, ``VoiceError``, ``CorpusError`` ...). The command line prints the
    message and leaves with status 1; the server turns it into a 4xx answer or an ``error`` message.
    """
