"""A wheel of swaram asks for its voice and its recogniser; an editable install takes those of the clone it lies in."""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

DATA_PACKAGES = ("swaram-voice-malayalam>=0.2", "swaram-recognizer-malayalam>=0.2")


class DataPackages(BuildHookInterface):
    """Adds the data packages to the requirements of a wheel that is not editable."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """``version``: the kind of wheel that is built."""
        if version != "editable":
            build_data["dependencies"] = [*build_data.get("dependencies", []), *DATA_PACKAGES]
