"""``swaram recognizer ...``: training, exporting and measuring a recogniser."""

from pathlib import Path
from typing import Annotated, Any

import typer

from swaram.cli import completion
from swaram.cli.console import print_json
from swaram.errors import SwaramError
from swaram.extras import install_command

recognizer_app = typer.Typer(help="Speech to text: train a recogniser, export it, measure it.", no_args_is_help=True)

Data = Annotated[Path, typer.Option(help="Prepared folder; its train split trains, its test split is never heard.")]
Language = Annotated[str, typer.Option(help="Code of the language, such as ml.", autocompletion=completion.languages)]
Also = Annotated[Path | None, typer.Option(help="A wider prepared folder: further clips that must prove themselves.")]


@recognizer_app.command("train")
def train_command(
    data: Data = Path("data"),
    language: Language = "ml",
    out: Annotated[Path | None, typer.Option(help="Training folder.", show_default="logs/recognizer-LANGUAGE")] = None,
    also: Also = None,
    max_minutes: Annotated[
        float, typer.Option(min=0.01, help="Length of the run; the learning rate follows it.")
    ] = 75.0,
    max_steps: Annotated[int | None, typer.Option(min=1, help="End earlier, after so many steps.")] = None,
    learning_rate: Annotated[float, typer.Option(min=1e-6, max=0.1, help="Highest, after the warm-up.")] = 1.5e-3,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the newest state.")] = False,
    warm_start: Annotated[
        Path | None, typer.Option(help="Begin with the weights of a training's folder, or of its best or newest state.")
    ] = None,
    beside: Annotated[
        Path | None, typer.Option(help="A training to stay beside, so that both can be exported as one recogniser.")
    ] = None,
    kernels: Annotated[
        str | None,
        typer.Option(help="Frames that each block sees, such as 9,9,7,7,5,5,5,3; after --warm-start, no fewer."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of weights, order and augmentation.")] = 1,
) -> None:
    """Train on natural speech alone; what speaks in the test split, or is said there, is left out."""
    from swaram.languages import get_language

    code = get_language(language).code
    try:
        from swaram.recognition.training import Plan, Trainer
    except ImportError as error:
        raise SwaramError(f"training needs {error.name}; install it with: {install_command('train')}") from None
    from swaram.recognition.dataset import select
    from swaram.recognition.errors import RecognizerError

    folder = out or Path("logs") / f"recognizer-{code}"
    if not resume and (folder / "newest").exists():
        raise RecognizerError(f"{folder} holds a training already; add --resume, or choose another --out")
    if resume and warm_start:
        raise RecognizerError("--resume goes on with its own weights and --warm-start begins with others; name one")
    selection = select(data, code, also)
    print(f"{len(selection.train)} clips to train on, {len(selection.candidates)} candidates", flush=True)
    for reason, count in sorted(selection.dropped.items()):
        print(f"  left out {count}: {reason}", flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    plan = Plan(minutes=max_minutes, learning_rate=learning_rate, seed=seed, max_steps=max_steps or Plan.max_steps)
    earlier = folder / "newest" if resume else _state(warm_start) if warm_start else None
    trainer = Trainer(selection, code, folder, plan, _sizes(earlier, kernels))
    if trainer.refused:
        print(f"  left out {len(trainer.refused)}: too long for a row, or too much said for its length", flush=True)
    if resume:
        trainer.resume()
    elif warm_start:
        trainer.warm_start(_state(warm_start))
    if beside:
        trainer.stay_beside(_state(beside))
    trainer.run()


@recognizer_app.command("export")
def export_command(
    state: Annotated[Path, typer.Argument(help="A training's folder, or its best or newest state.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The recogniser to write, such as recognizers/ml.")],
    name: Annotated[str, typer.Option(help="What people call it.")] = "",
    licence: Annotated[str, typer.Option(help="SPDX name of the licence of model and data.")] = "",
    attribution: Annotated[str, typer.Option(help="Who is to be named.")] = "",
    licence_file: Annotated[Path | None, typer.Option(help="The licence's whole text.")] = None,
    card: Annotated[Path | None, typer.Option(help="The model's card, in Markdown.")] = None,
    figures: Annotated[Path | None, typer.Option(help="What `swaram recognizer test --json` wrote.")] = None,
    order: Annotated[int, typer.Option(min=0, max=12, help="Order of the language model for --beam; 0 for none.")] = 0,
    weight: Annotated[float, typer.Option(help="Of the language model's logarithms.")] = 0.5,
    bonus: Annotated[float, typer.Option(help="Nats for each unit, against short texts.")] = 0.5,
    beside: Annotated[
        Path | None, typer.Option(help="A training that stayed beside this one: both are heard as one recogniser.")
    ] = None,
    blank_penalty: Annotated[
        float | None,
        typer.Option(help="Nats to take from the blank.", show_default="chosen by --data's validation clips"),
    ] = None,
    data: Data = Path("data"),
) -> None:
    """Write a recogniser that needs no PyTorch."""
    import json

    try:
        from swaram.recognition.export import Papers, export_recognizer
    except ImportError as error:
        raise SwaramError(f"exporting needs {error.name}; install it with: {install_command('train')}") from None
    from swaram.recognition.package import refuse_other_folders

    refuse_other_folders(out)
    folder = _state(state)
    folders = [folder, _state(beside)] if beside else [folder]
    texts = {path: _text(path) for path in (licence_file, card, figures) if path is not None}
    papers = Papers(
        name or f"swaram recogniser {out.name}",
        licence,
        attribution,
        texts[card] if card else "",
        texts[licence_file] if licence_file else "",
        json.loads(texts[figures]) if figures else None,
        {"weight": weight, "bonus": bonus},
    )
    model = _language_model(folder, data, order) if order else None
    if blank_penalty is None:
        size = export_recognizer(folders, out, papers, model, validation=_validation(folder, data))
    else:
        size = export_recognizer(folders, out, papers, model, penalty=blank_penalty)
    print(f"{out}: {size / 1e6:.1f} MB")


@recognizer_app.command("test")
def test_command(
    recognizer: Annotated[Path, typer.Argument(help="Folder of the recogniser.")],
    data: Data = Path("data"),
    beam: Annotated[int | None, typer.Option(min=1, max=512, help="With the language model.")] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the figures there; - prints them instead of text.")
    ] = None,
) -> None:
    """Measure a recogniser on the recordings that its training left out."""
    import json

    from swaram.recognition import Recognizer
    from swaram.recognition.dataset import select
    from swaram.recognition.error_rates import measure

    listener = Recognizer.load(recognizer)
    found = measure(listener, select(data, listener.language), beam)
    if str(json_file) == "-":
        print_json(found)
        return
    for kind, part in found.items():
        if not isinstance(part, dict):
            continue
        print(f"{kind}: {part['clips']} clips, {part['texts']} texts, {part['speakers']} speakers")
        for rate in ("cer", "cer_without_spaces", "wer"):
            print("  {:20} {rate:.3f}  ({low:.3f} to {high:.3f})".format(rate, **part[rate]))
    print(f"real-time factor {found['real_time_factor']}")
    print("confused: " + ", ".join(f"{c['said'] or '-'}>{c['heard'] or '-'} {c['times']}" for c in found["confused"]))
    if json_file:
        json_file.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _language_model(folder: Path, data: Path, order: int) -> Any:
    """Of the training texts alone: what is said in validation and test stays unknown."""
    from swaram.recognition.checkpoints import read
    from swaram.recognition.dataset import select
    from swaram.recognition.language_model import LanguageModel
    from swaram.recognition.units import UnitTable

    state = read(folder)
    units = UnitTable(state["language"], state["units"])
    texts = sorted({clip.text for clip in select(data, state["language"]).train})
    if not texts:
        raise SwaramError(f"{data} holds no text to make a language model of; name the training data, or --order 0.")
    return LanguageModel.of([units.encode(text) for text in texts], order, len(units))


def _validation(folder: Path, data: Path) -> Any:
    from swaram.recognition.checkpoints import read
    from swaram.recognition.dataset import read_clips

    clips = [clip for clip in read_clips(data, read(folder)["language"]) if clip.split == "val"]
    if not clips:
        raise SwaramError(f"{data} holds no validation clip to choose a --blank-penalty by; name the training data.")
    return clips


def _sizes(earlier: Path | None, kernels: str | None) -> Any:
    """The network of an earlier state, else the usual one, with these kernels."""
    from pydantic import ValidationError

    from swaram.recognition.checkpoints import read
    from swaram.recognition.network import NetworkSettings
    from swaram.validation import first_problem

    sizes = read(earlier)["network"] if earlier else {}
    if kernels:
        sizes = {**sizes, "kernels": kernels.split(",")}
    try:
        return NetworkSettings(**sizes)
    except (ValidationError, TypeError) as error:
        fault = first_problem(error) if isinstance(error, ValidationError) else str(error)
        raise SwaramError(
            f"these cannot be the sizes of a network: {fault}; write --kernels as 9,9,7,7,5,5,5,3"
        ) from None


def _state(folder: Path) -> Path:
    """The best state of a training's folder, else its newest, else the folder itself."""
    return next((folder / part for part in ("best", "newest") if (folder / part).is_dir()), folder)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SwaramError(f"{path}: cannot be read ({error}); name a text file.") from None
