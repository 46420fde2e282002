"""Who is meant by the names that clients of other services send: their voices become speakers, their models this one.

Every form of the server that has ``model`` and ``voice`` asks here, so that a name means the same in all of them.
"""

from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote

from swaram.server.protocol import RequestError, about
from swaram.server.service import Service

OWN_MODEL = "swaram"
MOST_NAME = 200  # characters
_GENDERS = ("female", "male")


def known_models(service: Service) -> list[str]:
    """The models that are listed: this server as a whole, and each of its voices."""
    return [OWN_MODEL, *service.engines]


def check_model(service: Service, model: str) -> None:
    """Raise RequestError for a model that is neither listed nor one of the setting ``model_names``."""
    names = service.settings.model_names
    if model in known_models(service) or any(fnmatchcase(model.lower(), name) for name in names):
        return
    with about("model"):
        offered = ", ".join(known_models(service))
        raise RequestError("model_not_found", f"There is no such model; choose one of {offered}.")


def find_speaker(service: Service, asked: Any, model: str | None, language: str | None) -> tuple[str, str | None]:
    """The voice and the speaker that ``model`` and ``asked`` name together.

    ``asked``: a voice, a speaker of the model's voice, ``voice/speaker``, or a name of the setting ``voice_names``; or
    None. A name that is none of these comes back as the speaker, which the voice then refuses. Raises RequestError.
    """
    if asked is not None and not (isinstance(asked, str) and len(asked) <= MOST_NAME and asked.isprintable()):
        with about("voice"):
            raise RequestError("bad_parameter", f"The voice must be a name of at most {MOST_NAME} characters.")
    voice = service.voice_name(model if model in service.engines else None, language)
    if not asked or asked == "default":
        return voice, None
    found = _own(service, asked, voice)
    if found is not None:
        return found
    names = service.settings.voice_names
    place = next((name for name in names if fnmatchcase(asked.lower(), name.lower())), None)
    if place is None:
        return voice, asked
    meant = names[place]
    if meant not in _GENDERS:
        return _own(service, meant, voice) or (voice, meant)
    speakers = [speaker.name for speaker in service.engines[voice].voice.manifest.speakers if speaker.gender == meant]
    # Names of one gender take turns, so that two of them are two speakers where there are two.
    number = [name for name in names if names[name] == meant].index(place)
    return voice, speakers[number % len(speakers)] if speakers else None


def _own(service: Service, asked: str, voice: str) -> tuple[str, str | None] | None:
    """A voice of this server, ``voice/speaker``, or a speaker of the voice; None where it is none of them."""
    if asked in service.engines:
        return asked, None
    name, slash, speaker = asked.partition("/")
    if slash and name in service.engines:
        return name, speaker
    speakers = service.engines[voice].voice.manifest.speakers
    known = {speaker.name.casefold() for speaker in speakers} | {str(speaker.id) for speaker in speakers}
    return (voice, asked) if asked.strip().casefold() in known else None


def voice_header(controls: dict[str, Any]) -> dict[str, str]:
    """``X-Voice``: the voice and the speaker who speak, as ``voice/speaker``; what is not ASCII percent-encoded."""
    named = [controls["voice"], controls["speaker"]]
    return {"X-Voice": "/".join(quote(name, safe="") for name in named if name)}
