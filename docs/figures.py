"""Figures that stand in several places, written from their one source: the model cards.

``python docs/figures.py`` puts them in; ``--check`` names the places that differ, with status 1. In Markdown a place is
marked as ``<!--name-->0.30<!---->``: the comments are not shown, what lies between them is the figure.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VOICE = "voices/malayalam/MODEL_CARD.md"
RECOGNIZER = "recognizers/ml/MODEL_CARD.md"
PAGES = ("README.md", "CHANGELOG.md", "docs/recognition.md", "docs/evaluation.md", "docs/features.md")
PLACE = re.compile(r"<!--([a-z0-9-]+)-->(.*?)<!---->")

# Name: the card, and the pattern whose first group is the figure. Rows of tables are found by their first cell.
SOURCES = {
    "voice-steps": (VOICE, r"([\d,]+) steps \("),
    "voice-cer-natural": (VOICE, r"\| character error rate \| ([\d.]+)"),
    "voice-cer": (VOICE, r"\| character error rate \| [^|]*\| ([\d.]+)"),
    "voice-cer-ratio": (VOICE, r"\| its ratio to the human one \| *\| ([\d.]+)"),
    "voice-dnsmos": (VOICE, r"\| DNSMOS overall[^|]*\| *\| (-?[\d.]+)"),
    "recognizer-cer": (RECOGNIZER, r"\| test split: unseen sentences \|[^|]*\| ([\d.]+ %)"),
    "recognizer-cer-interval": (RECOGNIZER, r"\| test split: unseen sentences \|[^|]*\| [\d.]+ % \(([^)]*)\)"),
    "recognizer-cer-beam": (RECOGNIZER, r"\| test split: unseen sentences \|.*\| ([\d.]+ %) \([^)]*\) \|"),
    "recognizer-size": ("recognizers/ml", ""),
}


def figures(root: Path = ROOT) -> dict[str, str]:
    """Every figure by name, as its source says it. Raises ValueError for a card that does not say it."""
    found = {}
    for name, (source, pattern) in SOURCES.items():
        if not pattern:
            size = sum(path.stat().st_size for path in (root / source).iterdir() if path.is_file())
            found[name] = f"{size / 1e6:.1f} MB"
            continue
        match = re.search(pattern, (root / source).read_text(encoding="utf-8"))
        if match is None:
            raise ValueError(f"{source} says nothing that fits {pattern!r} ({name})")
        found[name] = match[1]
    return found


def places(root: Path = ROOT) -> list[tuple[Path, str, str]]:
    """(page, name, what stands there) of every marked place."""
    pages = [root / page for page in PAGES]
    return [(page, *place) for page in pages for place in PLACE.findall(page.read_text(encoding="utf-8"))]


def write(root: Path = ROOT) -> None:
    """Put the figures in."""
    known = figures(root)
    for page in {page for page, _, _ in places(root)}:
        text = page.read_text(encoding="utf-8")
        page.write_text(PLACE.sub(lambda m: f"<!--{m[1]}-->{known[m[1]]}<!---->", text), encoding="utf-8")


def stale(root: Path = ROOT) -> list[str]:
    """One line for each place that does not say what its source says."""
    known = figures(root)
    return [
        f"{page.relative_to(root)}: {name} is {there!r}, its source says {known.get(name)!r}"
        for page, name, there in places(root)
        if known.get(name) != there
    ]


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        faults = stale()
        print("\n".join(faults) or "all figures are those of their sources")
        sys.exit(bool(faults))
    write()
