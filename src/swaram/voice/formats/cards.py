"""The model card and the facts of an imported voice."""

from collections.abc import Sequence

from swaram.voice.formats.exchange import ImportOptions
from swaram.voice.formats.licences import forbids_commerce


def imported_card(options: ImportOptions, title: str, licence: str, notes: Sequence[str]) -> str:
    """Markdown: what the voice is, where it is from, its licence, what was noticed; ``$`` doubled, for a template."""
    lines = [f"# {options.name}", "", f"Imported from {title}: {options.origin or 'a folder'}.", ""]
    lines.append(f"Licence: {licence or 'unknown; ask whoever made it'}.")
    if forbids_commerce(licence):
        lines.append("**Not for commercial use; this holds for all speech that it makes.**")
    if notes:
        lines += ["", "## Noticed while importing", "", *(f"- {note}" for note in notes)]
    return "\n".join(lines).replace("$", "$$") + "\n"
