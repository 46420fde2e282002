"""What is common to voices written for players that take one ONNX graph: the source, the trial, the files."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from swaram.export.facts import VoiceFacts
from swaram.formats.exchange import FormatError
from swaram.formats.onnx_join import PlayerIds
from swaram.text.symbols import BLANK, BOS, EOS
from swaram.voice.engine import Engine
from swaram.voice.package import PAPERS, VoiceManifest, VoicePackage, is_package, package_files
from swaram.voice.request import SpeechRequest
from swaram.voice.voice import Voice

TOLERANCE = 1e-4
_TRIAL_SYMBOLS = 60


@dataclass(frozen=True)
class Source:
    """The package to write, and its card and licence by file name."""

    package: VoicePackage
    papers: dict[str, bytes]


def open_source(source: Path, facts: VoiceFacts) -> Source:
    """A voice package as it is, or one made of a checkpoint for the purpose. Raises SwaramError."""
    if is_package(source):
        return _opened(source)
    from swaram.export.voice import export_voice

    with tempfile.TemporaryDirectory() as folder:
        voice = Path(folder) / "voice"
        export_voice(source, voice, facts)
        return _opened(voice)


def _opened(path: Path) -> Source:
    package = Voice.open(path).package
    return Source(package, {name: content for name, content in package_files(path) if name in PAPERS})


def try_out(model: onnx.ModelProto, package: VoicePackage, ids: PlayerIds) -> float:
    """The largest difference of two samples between the graph and the voice, without noise, for both end speakers.

    Raises FormatError where it is more than ``TOLERANCE``.
    """
    voice = Voice(package, package.manifest.name)
    engine = Engine(voice)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    symbols = [s for s in voice.symbols.symbols if s in ids.ids and s not in (BLANK, BOS, EOS)][-_TRIAL_SYMBOLS:]
    given = [ids.marks[BOS], ids.marks[BLANK]]
    for symbol in symbols:
        given += [ids.ids[symbol], ids.marks[BLANK]]
    given.append(ids.marks[EOS])
    scale = package.manifest.inference.length_scale
    feed = {
        "input": np.array([given], np.int64),
        "input_lengths": np.array([len(given)], np.int64),
        "scales": np.array([0.0, scale, 0.0], np.float32),
    }
    largest = 0.0
    speakers = package.manifest.speakers
    for speaker in {speakers[0].id, speakers[-1].id} if speakers else {None}:
        extra = {} if speaker is None else {"sid": np.array([speaker], np.int64)}
        player = session.run(None, feed | extra)[0].reshape(-1)
        request = SpeechRequest(noise_scale=0.0, duration_noise_scale=0.0)
        own = engine.models.decode_whole(
            engine.models.encode(voice.symbols.encode("".join(symbols)), request, speaker or 0, 0)
        )
        if player.shape != own.shape:
            raise FormatError(f"{package.source}: the joined graph makes {len(player)} samples, the voice {len(own)}")
        largest = max(largest, float(np.abs(player - own).max()))
    if largest > TOLERANCE:
        raise FormatError(f"{package.source}: the joined graph differs from the voice by {largest:.1e}")
    return largest


def losses(manifest: VoiceManifest) -> str:
    """What a player has no place for, as an end of a sentence; empty where nothing is lost."""
    lost = []
    if len(set(manifest.languages)) > 1:
        lost.append(f"it reads {manifest.language} only")
    if manifest.styles:
        lost.append("it speaks without its styles")
    return f"; there {' and '.join(lost)}" if lost else ""


def write_files(destination: Path, files: dict[str, bytes]) -> None:
    """Write files into a folder that is new or holds only files of these names. Raises FormatError."""
    if destination.exists() and not (destination.is_dir() and all(p.name in files for p in destination.iterdir())):
        raise FormatError(f"{destination} exists and holds other files; name another folder with --out")
    try:
        destination.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (destination / name).write_bytes(content)
    except OSError as error:
        raise FormatError(f"{destination}: cannot be written ({error.strerror})") from None
