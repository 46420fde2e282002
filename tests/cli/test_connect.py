"""``swaram wyoming`` and ``swaram mcp`` where their packages are not installed, and their help."""

import subprocess
import sys

import pytest

from swaram.extras import install_command


def run(program: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("name", ["wyoming", "mcp"])
def test_a_missing_package_is_one_sentence_that_says_what_to_install(name):
    done = run(f"import sys; sys.modules[{name!r}] = None; from swaram.cli.main import main; main([{name!r}])")
    assert done.returncode == 1
    assert done.stderr.strip() == f"swaram: The package {name} is not installed; {install_command(name)}."


def test_zeroconf_is_wanted_only_where_it_is_asked_for(toy_folder):
    program = (
        "import sys; sys.modules['zeroconf'] = None; from swaram.cli.main import main; "
        f"main(['wyoming', '--port', '0', '--voices', {str(toy_folder)!r}, '--zeroconf', 'x'])"
    )
    done = run(program)
    assert "The package zeroconf is not installed" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["wyoming", "mcp"])
def test_help_is_there(name):
    done = run(f"from swaram.cli.main import main; main([{name!r}, '--help'])")
    assert done.returncode == 0 and "Usage" in done.stdout
