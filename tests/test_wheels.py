"""The wheels that ``make dist`` builds: installed where nothing else is, they speak, serve and write down."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DATA_PACKAGES = sorted((ROOT / "packages").glob("swaram-*"))


@pytest.fixture(scope="module")
def dist(tmp_path_factory) -> Path:
    """A folder with the three wheels."""
    folder = tmp_path_factory.mktemp("dist")
    for project in (ROOT, *DATA_PACKAGES):
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
        subprocess.run(command, cwd=project, check=True, capture_output=True)
    return folder


def content(wheel: Path, ending: str) -> str:
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(next(name for name in archive.namelist() if name.endswith(ending))).decode()


def test_installed_alone_they_speak_serve_and_transcribe_from_an_empty_folder(dist):
    command = [sys.executable, str(ROOT / "packages" / "try_wheels.py"), str(dist)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_main_wheel_asks_for_voice_and_recogniser_and_names_no_ceiling_of_python(dist):
    (wheel,) = dist.glob("swaram-*.whl")
    metadata = content(wheel, "METADATA")
    for project in DATA_PACKAGES:
        assert f"Requires-Dist: {project.name}>=" in metadata
    assert "Requires-Python: >=3.11\n" in metadata
    assert not any(".onnx" in name for name in zipfile.ZipFile(wheel).namelist())


@pytest.mark.parametrize("project", DATA_PACKAGES, ids=lambda path: path.name)
def test_a_data_wheel_holds_exactly_the_files_of_the_repository(dist, project):
    settings = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    ((source, target),) = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"].items()
    (points,) = settings["project"]["entry-points"].values()
    assert [f"{package}/{name}" for name, package in points.items()] == [target]
    (wheel,) = dist.glob(f"{project.name.replace('-', '_')}-*.whl")
    files = {path.name: path.read_bytes() for path in (project / source).iterdir()}
    with zipfile.ZipFile(wheel) as archive:
        held = {name: archive.read(name) for name in archive.namelist() if name.startswith(f"{target}/")}
    assert held == {f"{target}/{name}": value for name, value in files.items()}


def test_all_packages_have_one_version():
    import swaram

    versions = {tomllib.loads((p / "pyproject.toml").read_text())["project"]["version"] for p in DATA_PACKAGES}
    assert versions == {swaram.__version__}
