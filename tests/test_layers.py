"""The order of the packages, from the code's own imports: nothing runs upward, nothing in a circle, and PyTorch stays
where training is."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parents[1] / "src" / "swaram"

# Which packages of this project each one may import. docs/architecture.md draws it.
MAY_IMPORT = {
    "errors": set(),
    "validation": set(),
    "languages": {"errors"},
    "files": {"errors"},
    "search_path": {"errors"},
    "extras": {"search_path"},
    "config": {"errors", "validation"},
    "audio": {"errors", "files", "extras"},
    "client": {"errors"},
    "text": {"errors", "files", "languages"},
    "runtime": {"errors", "files"},
    "alignment": {"errors", "files", "languages", "audio", "text"},
    "corpora": {"errors", "files", "languages", "extras"},
    "prepare": {"errors", "files", "languages", "extras", "config", "audio", "text", "alignment", "corpora"},
    "model": {"config", "audio"},
    "training": {"errors", "files", "config", "audio", "text", "alignment", "runtime", "model", "prepare"},
    "voice": {"errors", "validation", "files", "search_path", "languages", "audio", "text", "runtime"},
    "export": {"errors", "files", "model", "training", "voice", "runtime"},
    "formats": {
        "errors", "files", "languages", "extras", "config", "audio", "text", "runtime", "model", "training", "voice",
        "export",
    },
    "recognition": {
        "errors", "validation", "files", "search_path", "languages", "config", "audio", "text", "runtime", "prepare",
        "training", "export",
    },
    "evaluation": {
        "errors", "languages", "files", "extras", "config", "audio", "text", "alignment", "runtime", "prepare",
        "training", "voice", "export", "recognition",
    },
    "server": {
        "errors", "validation", "files", "search_path", "extras", "languages", "audio", "text", "runtime", "voice",
        "recognition",
    },
    "integrations": {"errors", "client", "api", "voice"},
    "cluster": {
        "errors", "files", "extras", "config", "text", "corpora", "prepare", "training", "voice", "server",
        "evaluation",
    },
}  # fmt: skip
TORCH_PACKAGES = {"model", "training", "export", "formats"}
# The half of speech to text that trains, and instruments whose published networks are PyTorch's.
TORCH_MODULES = {
    "recognition.checkpoints",
    "recognition.ensemble",
    "recognition.export",
    "recognition.losses",
    "recognition.network",
    "recognition.training",
    "evaluation.distillmos",
    "evaluation.speaker_similarity",
}


def modules() -> dict[str, Path]:
    """Every module by its name below ``swaram``."""
    found = {}
    for path in HOUSE.rglob("*.py"):
        name = ".".join(path.relative_to(HOUSE).with_suffix("").parts).removesuffix("__init__").rstrip(".")
        found[name] = path
    return found


MODULES = modules()


def imported(name: str) -> set[str]:
    """The modules of this project that a module imports, anywhere in it, types included."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "swaram":
            base = node.module.partition(".")[2]
            for alias in node.names:
                full = f"{base}.{alias.name}".lstrip(".")
                found.add(full if full in MODULES else base)
        elif isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[2] for alias in node.names if alias.name.partition(".")[0] == "swaram"}
    return found


def outside(name: str) -> set[str]:
    """The packages of others that a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
        elif isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
    return found


@pytest.mark.parametrize("package", sorted(MAY_IMPORT))
def test_a_package_imports_only_what_stands_below_it(package):
    upward = []
    for name in MODULES:
        if name.partition(".")[0] == package:
            for target in imported(name):
                room = target.partition(".")[0]
                if room and room != package and room not in MAY_IMPORT[package]:
                    upward.append(f"{name} imports {target}")
    assert not upward


def test_every_package_has_its_place_in_the_order():
    free = {"", "__main__", "api", "cli"}  # the public API and the commands may import everything
    assert {name.partition(".")[0] for name in MODULES} - free == set(MAY_IMPORT)


def test_no_modules_import_each_other_in_a_circle():
    order: list[str] = []
    state: dict[str, int] = {}

    def visit(name: str, way: tuple[str, ...]) -> None:
        if state.get(name) == 1:
            raise AssertionError(" -> ".join((*way[way.index(name) :], name)))
        if name in MODULES and name not in state:
            state[name] = 1
            for target in sorted(imported(name) - {name, ""}):
                visit(target, (*way, name))
            state[name] = 2
            order.append(name)

    for name in MODULES:
        visit(name, ())
    assert len(order) == len(MODULES)


def test_pytorch_is_imported_only_where_voices_and_recognisers_are_made():
    users = {name for name in MODULES if outside(name) & {"torch", "lightning", "lightning_fabric", "safetensors"}}
    assert {name for name in users if name.partition(".")[0] not in TORCH_PACKAGES} == TORCH_MODULES


@pytest.mark.parametrize(
    ("program", "heavy"),
    [
        ("import swaram; swaram.SwaramError", ("numpy", "onnxruntime", "pydantic", "typer", "rich", "av")),
        ("import swaram.cli.main", ("numpy", "onnxruntime", "torch", "pydantic", "fastapi", "rich.console", "av")),
        ("import swaram; swaram.load_voice; swaram.load_recognizer", ("torch", "scipy", "numba", "pyarrow", "fastapi")),
        ("import swaram.server.app", ("wyoming", "mcp", "livekit", "pipecat", "zeroconf", "swaram.integrations")),
        ("import swaram.server.app, swaram.voice.library", ("torch", "scipy", "numba", "pyarrow", "matplotlib")),
    ],
)
def test_nothing_is_imported_before_it_is_needed(program, heavy):
    program = f"import sys; {program}; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
