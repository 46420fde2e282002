"""What the shell offers for voices, speakers and languages when a user presses the tab key."""

from typing import Any

from swaram.errors import SwaramError


def voices(ctx: Any, incomplete: str) -> list[str]:
    """Names of the voices of this machine."""
    from swaram.voice.library import known_packages

    return [name for name in known_packages() if name.startswith(incomplete)]


def speakers(ctx: Any, incomplete: str) -> list[str]:
    """Names of the speakers of the voice that the line names, else of all voices."""
    from swaram.voice.library import find_package, list_voices
    from swaram.voice.package import read_manifest

    wanted = (ctx.params or {}).get("voice")
    try:
        manifests = [read_manifest(find_package(wanted))] if wanted else [v.manifest for v in list_voices()]
    except SwaramError:
        return []
    names = [speaker.name for manifest in manifests if manifest is not None for speaker in manifest.speakers]
    return [name for name in dict.fromkeys(names) if name.casefold().startswith(incomplete.casefold())]


def languages(ctx: Any, incomplete: str) -> list[tuple[str, str]]:
    """Codes of the languages, with their names."""
    from swaram.languages import LANGUAGES

    return [(code, language.name) for code, language in LANGUAGES.items() if code.startswith(incomplete)]
