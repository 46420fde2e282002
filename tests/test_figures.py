"""Figures that stand in several places are those of the model cards."""

import importlib.util
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = importlib.util.spec_from_file_location("figures", ROOT / "docs" / "figures.py")
figures = importlib.util.module_from_spec(SCRIPT)
SCRIPT.loader.exec_module(figures)


def test_every_marked_place_says_what_its_model_card_says():
    assert figures.stale() == []
    assert {name for _, name, _ in figures.places()} == set(figures.SOURCES)


def test_a_changed_card_is_noticed_and_written_everywhere(tmp_path):
    for name in (*figures.PAGES, figures.VOICE, figures.RECOGNIZER):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    card = tmp_path / figures.VOICE
    card.write_text(card.read_text(encoding="utf-8").replace("17,605 steps (", "20,000 steps ("), encoding="utf-8")
    changed = [line for line in figures.stale(tmp_path) if "voice-steps" in line]
    assert len(changed) == 2 and all("20,000" in line for line in changed)
    figures.write(tmp_path)
    assert figures.stale(tmp_path) == []
    assert "20,000" in (tmp_path / "CHANGELOG.md").read_text(encoding="utf-8")
