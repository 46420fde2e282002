"""The documents name only tests and modules that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_a_page_names_exists(page):
    missing = []
    for named in re.finditer(r"`(?:tests/)?((?:[a-z_0-9]+/)*test_[a-z_0-9]+\.py)(?:::(test_\w+))?", read(page)):
        file, name = named.groups()
        found = [path for path in (ROOT / "tests").rglob(Path(file).name) if str(path).endswith(file)]
        if not found or (name and not any(f"def {name}(" in read(path) for path in found)):
            missing.append(named[0])
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_name_of_a_test_after_dots_is_one_of_the_tests(page):
    every = "\n".join(read(path) for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name in re.findall(r"`…(\w+)`", read(page)) if f"{name}(" not in every] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_module_and_page_that_a_page_names_exists(page):
    text = read(page)
    modules = [name for name in re.findall(r"`([a-z_0-9]+(?:/[a-z_0-9]+)+\.py)`", text) if "test_" not in name]
    places = (ROOT, ROOT / "src" / "swaram", ROOT / "tests")
    assert [name for name in modules if not any((place / name).exists() for place in places)] == []
    links = [link for link in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []
