"""Text to speech for India's languages other than Hindi: prepare, train, measure, serve.

``load_voice("malayalam").speak("...").save("hello.mp3")``; docs/python.md has more. Everything is imported when it is
first used, so that ``import swaram`` costs next to nothing.
"""

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from swaram.api import Speech as Speech
    from swaram.api import Transcript as Transcript
    from swaram.api import Voice as Voice
    from swaram.api import load_recognizer as load_recognizer
    from swaram.api import load_voice as load_voice
    from swaram.errors import SwaramError as SwaramError

__all__ = ["Speech", "SwaramError", "Transcript", "Voice", "load_recognizer", "load_voice"]
__version__ = "0.2.0"

# onnxruntime would otherwise keep a device id and send what it runs to its maker.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


def __getattr__(name: str) -> Any:
    if name == "SwaramError":
        from swaram.errors import SwaramError

        return SwaramError
    if name in __all__:
        from swaram import api

        return getattr(api, name)
    raise AttributeError(f"module 'swaram' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
