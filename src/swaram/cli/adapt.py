"""``swaram adapt CORPUS --language kn --from malayalam``: a voice of a new language from a little speech."""

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from swaram.errors import SwaramError
from swaram.extras import install_command

SENTENCES = 10
BASE = "base"  # a speaker that keeps the source's conditioning where the corpus has but one


def adapt_command(
    corpus: Annotated[Path, typer.Argument(help="A corpus, or a folder that is prepared.", show_default=False)],
    language: Annotated[str, typer.Option(help="Code of the new language, such as kn.", show_default=False)],
    source: Annotated[
        str, typer.Option("--from", help="Weights to begin with: malayalam, a checkpoint, a training.")
    ] = "malayalam",
    kind: Annotated[
        str, typer.Option(help="Kind of corpus, as for swaram prepare.", show_default="by what it holds")
    ] = "",
    licence: Annotated[str, typer.Option(help="SPDX name of the corpus's licence, where it carries none.")] = "",
    minutes: Annotated[
        float | None, typer.Option(min=0, help="Train so long.", show_default="by how much speech there is")
    ] = None,
    speech: Annotated[float | None, typer.Option(min=1, help="Use only so many minutes of the speech.")] = None,
    mix: Annotated[
        Path | None, typer.Option(help="Prepared folder of the source's corpus, against forgetting.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for all of it.", show_default="logs/adapt-LANGUAGE")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where it was ended.")] = False,
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0 is all cores.")] = 0,
) -> None:
    """Prepare, split, choose settings, begin from another voice by sound, train, export, evaluate: one command."""
    from swaram.languages import get_language

    try:
        from swaram.training.adaptation import by_sound, plan_for
        from swaram.training.checkpoints import checkpoint_folders
    except ImportError as error:
        raise SwaramError(f"training needs {error.name}; {install_command('train')}") from None
    code = get_language(language).code
    home = out or Path("logs") / f"adapt-{code}"
    weights = find_weights(source)
    training = home / "training"
    begun = bool(checkpoint_folders(training))
    if begun and not resume:
        raise SwaramError(f"{home} holds an adaptation already; --resume goes on with it, or name another --out")
    started = time.monotonic()
    data = _prepared(corpus, kind, code, licence, home)
    facts = _chosen(data, home / "clips", speech, mix, plan_for)
    plan, speakers, languages = facts["plan"], facts["speakers"], [code, *facts["others"]]
    length = minutes if minutes is not None else plan.train_minutes
    frozen = f"{', '.join(plan.freeze)} stay as they are" if plan.freeze else "every part learns"
    _say(
        f"{facts['minutes']:.1f} minutes of speech: learning rate {plan.learning_rate:g}, {frozen}, at most "
        f"{plan.steps} steps or {length:g} minutes; about a second a step on two free CPU cores, "
        f"ten times as fast on a GPU (expected, not measured)"
    )
    if not begun:
        origin = by_sound(weights, languages, speakers, home / "start")
        fresh = [symbol for symbol, old in origin.items() if not old]
        _say(f"{len(origin) - len(fresh)} of {len(origin)} symbols begin as a letter of the same sound")
    checkpoint = _train(home, weights, plan, languages, length, threads, resume and begun)
    _say(f"exporting {checkpoint}")
    voice = _export(checkpoint, home / "voice", code, data, [name for name in speakers if name in facts["own"]])
    _evaluate(voice, data, home, code)
    page = home / "evaluation" / "report.html"
    _say(f"{(time.monotonic() - started) / 60:.1f} minutes in all; {page} says how good it is")
    _say(f"speak with it: swaram speak --voice {voice} ...")


def find_weights(name: str) -> Path:
    """A checkpoint or training by path, or ``weights/NAME`` here or in the source tree. Raises SwaramError."""
    for path in (Path(name), Path("weights") / name, Path(__file__).resolve().parents[3] / "weights" / name):
        if (path / "state.json").is_file() or (path.is_dir() and any(path.glob("step-*/state.json"))):
            return path
    raise SwaramError(f"--from {name}: no weights of that name in weights/, and no checkpoint there; name a checkpoint")


def _prepared(corpus: Path, kind: str, code: str, licence: str, home: Path) -> Path:
    """The corpus's prepared folder: itself, or one made now (or gone on with)."""
    if (corpus / "manifest.parquet").is_file():
        return corpus
    from swaram.cli.prepare import progress_bar
    from swaram.config.prepare import load_settings
    from swaram.corpora.description import ReadOptions
    from swaram.corpora.registry import get_corpus
    from swaram.prepare.pipeline import prepare_corpus

    reader = get_corpus(kind or _kind_of(corpus))
    _say(f"preparing {corpus} as {reader.name}")
    options = ReadOptions(code, licence)
    with progress_bar(lambda: reader.count(corpus)) as advance:
        report = prepare_corpus(
            reader.read(corpus, options), home / "data", load_settings(None), 0, reader.name, advance, corpus, _say
        )
    cut = report["splitting"]
    _say(f"{cut['kept_with'] / 60:.1f} minutes kept ({cut['kept_without'] / 60:.1f} without cutting long recordings)")
    return home / "data"


def _kind_of(corpus: Path) -> str:
    """Which corpus a folder looks like."""
    for name, kind in (
        ("validated.tsv", "common-voice"),
        ("metadata.tsv", "msc"),
        ("metadata.csv", "ljspeech"),
        ("audio_files", "folder"),
    ):
        if (corpus / name).exists():
            return kind
    if corpus.is_dir():
        return "audiobook"
    raise SwaramError(f"{corpus}: there is no such folder; give the folder that holds the corpus")


def _chosen(data: Path, clips: Path, speech: float | None, mix: Path | None, plan_for: Any) -> dict[str, Any]:
    """Tables of the clips to train on, with whole paths; what the plan mixes in of another corpus is among them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from swaram.files import whole_file

    rows = _rows(data)
    own = [row for row in rows if row["split"] in ("train", "val")]
    if speech is not None:
        held, seconds = [], 0.0
        for row in sorted(own, key=lambda row: row["audio_sha256"] or ""):
            if seconds < speech * 60 or row["split"] == "val":
                held.append(row)
                seconds += row["duration"] if row["split"] == "train" else 0.0
        own = held
    minutes = sum(row["duration"] for row in own if row["split"] == "train") / 60
    if not minutes:
        raise SwaramError(f"{data}: no clip is for training; prepare more speech")
    plan = plan_for(minutes)
    if not any(row["split"] == "val" for row in own):  # a small corpus: one clip in ten validates
        own = [{**row, "split": "val"} if number % 10 == 0 else row for number, row in enumerate(own)]
    speakers = {row["speaker"] for row in own}
    added: list[dict[str, Any]] = []
    if mix is not None:
        added = [row for row in _rows(mix) if row["split"] == "train"]
        added = sorted(added, key=lambda row: row["audio_sha256"] or "")[: round(plan.mix * len(own))]
    elif len(speakers) == 1:
        first = next(row for row in own if row["split"] == "train")
        path = Path(first["path"])
        added = [{**first, "speaker": BASE, "path": f"{path.parent}/./{path.name}"}]
    clips.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist([*own, *added], pq.read_schema(data / "manifest.parquet"))
    with whole_file(clips / "manifest.parquet") as partial:
        pq.write_table(table, partial)
    for split in ("train", "val"):
        lines = [f"{row['path']}|{row['transcript']}\n" for row in [*own, *added] if row["split"] == split]
        with whole_file(clips / f"{split}_metadata.csv") as partial:
            partial.write_text("".join(lines), encoding="utf-8")
    everybody = sorted({row["speaker"] for row in [*own, *added] if row["split"] == "train"})
    languages = {row["language"] for row in own}
    others = sorted({row["language"] for row in added} - languages)
    return {"minutes": minutes, "plan": plan, "speakers": everybody, "own": speakers, "others": others}


def _rows(data: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    rows = pq.read_table(data / "manifest.parquet").to_pylist()
    return [{**row, "path": str((data / row["path"]).resolve())} for row in rows]


def _train(
    home: Path, weights: Path, plan: Any, languages: list[str], minutes: float, threads: int, resume: bool
) -> Path:
    """The best checkpoint. Ctrl-C ends the training and keeps it; so does a validation loss that no longer falls."""
    from swaram.files import whole_file
    from swaram.training.adaptation import adapted_config
    from swaram.training.checkpoints import best_checkpoint, find_checkpoint
    from swaram.training.loop import Limits, train

    config = adapted_config(weights, plan, languages, home / "clips", home / "training")
    config.train.threads = threads
    with whole_file(home / "config.json") as partial:
        partial.write_text(json.dumps(config.model_dump(mode="json"), ensure_ascii=False, indent=1), encoding="utf-8")
    since, best = 0, float("inf")

    def after_validation(trainer: Any, _logger: Any) -> None:
        nonlocal since, best
        found = trainer.progress.best_mel
        since, best = (0, found) if found is not None and found < best else (since + 1, best)
        if since >= plan.patience:
            _say(f"no better for {since} validations: that is enough")
            os.kill(os.getpid(), signal.SIGTERM)  # the loop saves and ends

    train(config, resume, None if resume else str(home / "start"), Limits(None, minutes), None, after_validation)
    return best_checkpoint(home / "training") or find_checkpoint(home / "training")


def _export(checkpoint: Path, voice: Path, code: str, data: Path, speakers: list[str]) -> Path:
    import shutil

    from swaram.export.facts import OfferedSpeaker, VoiceFacts
    from swaram.export.voice import export_voice

    rows = _rows(data)
    licences = sorted({row["licence"] for row in rows if row["licence"]})
    offered = [
        OfferedSpeaker(name, name, next((r["gender"] for r in rows if r["speaker"] == name), "")) for name in speakers
    ]
    facts = VoiceFacts(
        f"{code}-adapted",
        offered[:20],
        licence=licences[0] if len(licences) == 1 else " and ".join(licences),
        attribution=sorted({row["attribution"] for row in rows if row["attribution"]}),
    )
    shutil.rmtree(voice, ignore_errors=True)
    export_voice(checkpoint, voice, facts)
    return voice


def _evaluate(voice: Path, data: Path, home: Path, code: str) -> None:
    """One page: how good the voice is, and ten sentences beside their recordings."""
    from swaram.evaluation.instruments import Instruments
    from swaram.evaluation.report import write_report
    from swaram.evaluation.run import Settings, evaluate
    from swaram.evaluation.system import Scales, open_subject
    from swaram.evaluation.test_set import read_test_set

    try:
        test_set = read_test_set(data, code, "test")
    except SwaramError:
        test_set = read_test_set(data, code, "val")
    subject = open_subject(str(voice), None, Scales(None, None, None), 0, _say, code)
    evaluation = evaluate(subject, test_set, Instruments(code, None), Settings(limit=SENTENCES), _say)
    write_report(home / "evaluation", evaluation)
    for name in ("cer", "dnsmos", "mel_cepstral_distortion", "similarity"):
        row = evaluation.metrics["scopes"]["all"].get(name)
        if row and row.get("synthetic"):
            natural = f", recordings {row['natural']['value']:.3f}" if row.get("natural") else ""
            _say(f"{name}: {row['synthetic']['value']:.3f}{natural}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
