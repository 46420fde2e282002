"""Export: a training checkpoint becomes a voice package, checked against PyTorch before anyone hears it."""

from dataclasses import dataclass
from pathlib import Path
from string import Template

import numpy as np
import onnx
import onnxruntime
import torch

from swaram.errors import SwaramError
from swaram.export.facts import OfferedSpeaker, VoiceFacts
from swaram.export.graphs import (
    decoder_graph,
    flow_graph,
    fold_weight_norm,
    frontend_graph,
    round_to_bytes,
    round_to_half,
    store_half,
)
from swaram.export.storage import store_small
from swaram.model.vits import Vits
from swaram.model.voice_constant import VoiceConstant
from swaram.training.checkpoints import CheckpointInfo, find_checkpoint, read_info, read_tensors
from swaram.voice.packing import check_target, write_package

# Largest difference from PyTorch that a voice may show, in full scale.
TOLERANCE = 1e-4
FULL_SCALE, MOST_CLIPPED = 0.999, 0.01
# The tables of the inverse Fourier transform stay exact: they are mathematics, not weights.
EXACT = ("cosines", "sines", "window")

NO_STYLE = "none"
PUBLISHED_SCALES = {"noise_scale": 0.667, "length_scale": 1.0, "duration_noise_scale": 0.8}


class ExportError(SwaramError):
    """A checkpoint that cannot become a voice."""


@dataclass(frozen=True)
class ExportReport:
    """Largest difference between the package and PyTorch (with noise zero), and the package's size."""

    latent_difference: float
    audio_difference: float
    size_bytes: int


def load_generator(folder: Path, info: CheckpointInfo) -> Vits:
    """The averaged generator of a checkpoint, ready for inference."""
    model = Vits(info.config.model, info.config.data, len(info.symbols.symbols), len(info.speakers))
    group = "ema" if (folder / "ema.safetensors").exists() else "generator"
    model.load_state_dict(read_tensors(folder, group))
    return model.eval()


def export_voice(checkpoint: str | Path, out: str | Path, facts: VoiceFacts) -> ExportReport:
    """Write the voice package ``out`` from a checkpoint folder or a training directory; raises as ``write_voice``."""
    folder = find_checkpoint(checkpoint)
    info = read_info(folder)
    check_target(Path(out))
    return write_voice(load_generator(folder, info), info, out, facts)


def write_voice(model: Vits, info: CheckpointInfo, out: str | Path, facts: VoiceFacts) -> ExportReport:
    """Write the voice package ``out`` from a generator, which is changed (folded, rounded) on the way.

    Only the offered speakers' vectors go into the package. Raises VoiceError when ``out`` exists and is not a voice,
    ExportError when an offered speaker is not in the checkpoint, or when ONNX and PyTorch differ by more than
    ``TOLERANCE``.
    """
    offered = keep_speakers(model, info, facts.speakers)
    build_in(model, facts)
    fold_weight_norm(model)
    if facts.eight_bits:
        round_to_bytes(model)
    elif facts.half:
        round_to_half(model)
    graphs = {
        "frontend.onnx": frontend_graph(model),
        "flow.onnx": flow_graph(model),
        "decoder.onnx": decoder_graph(model),
    }
    if facts.half and not facts.eight_bits:
        for graph in graphs.values():
            store_half(graph, EXACT)
    latent, audio, clipped = _differences(model, graphs)
    if max(latent, audio) > TOLERANCE:
        # Sound that far over full scale magnifies rounding: what is wrong then is the voice, not its export.
        cause = f"; {100 * clipped:.1f} % of its samples are clipped" if clipped > MOST_CLIPPED else ""
        raise ExportError(
            f"the exported voice differs from PyTorch by {max(latent, audio):.2e}, more than {TOLERANCE}{cause}"
        )
    if facts.eight_bits:
        for graph in graphs.values():
            store_small(graph)
        stored = max(_differences(model, graphs)[:2])
        if stored > TOLERANCE:
            raise ExportError(f"the voice in eight bits differs from its rounded weights by {stored:.2e}; report this")
    models = {name: graph.SerializeToString() for name, graph in graphs.items()}
    steps, hours = info.step + info.earlier_steps, (info.seconds_trained + info.earlier_seconds) / 3600
    numbers = {"steps": f"{steps:,}", "hours": f"{hours:.1f}"}
    card = Template(facts.card or f"# {facts.name}\n").safe_substitute(numbers)
    licence = facts.licence_file.read_text(encoding="utf-8-sig") if facts.licence_file else facts.licence + "\n"
    size = write_package(Path(out), models, _manifest(model, info, offered, facts), card, licence)
    return ExportReport(latent, audio, size)


def keep_speakers(model: Vits, info: CheckpointInfo, speakers: list[OfferedSpeaker]) -> list[OfferedSpeaker]:
    """Leave only the offered speakers' vectors in the model, all where none is named. Raises ExportError."""
    if model.emb_g is None:
        return []
    offered = speakers or [OfferedSpeaker(name, name) for name in info.speakers]
    unknown = [speaker.corpus_id for speaker in offered if speaker.corpus_id not in info.speakers]
    if unknown:
        raise ExportError(f"the checkpoint has no speaker {unknown[0]!r}; it has: {', '.join(info.speakers[:8])} ...")
    rows = [info.speakers.index(speaker.corpus_id) for speaker in offered]
    table = model.emb_g.weight[torch.tensor(rows)].detach()
    model.emb_g = torch.nn.Embedding.from_pretrained(table)
    # With one offered speaker the graphs keep the input: the model is still one of several speakers.
    return offered


def build_in(model: Vits, facts: VoiceFacts) -> None:
    """Build ranges of the pitch and paces into a model whose speakers are those offered. Raises ExportError."""
    speakers = facts.speakers or [OfferedSpeaker("", "")]
    ranges = [facts.pitch_range if s.pitch_range is None else s.pitch_range for s in speakers]
    paces = [speaker.pace for speaker in speakers]
    centres = [speaker.pitch for speaker in speakers]
    if any(value != 1 for value in ranges):
        _check_ranges(model, facts, speakers, ranges)
    elif all(pace == 1 for pace in paces):
        return
    if not all(0.5 <= pace <= 2 for pace in paces):
        raise ExportError(f"pace must be between 0.5 and 2, not {next(p for p in paces if not 0.5 <= p <= 2):g}")
    if model.emb_g is None:
        ranges, paces, centres = ranges[:1], paces[:1], centres[:1]
    voices = [
        model.condition_on(torch.tensor([number]), torch.tensor([style]))
        for number in range(len(ranges))
        for style in range(model.styles)
    ]
    known = None if voices[0] is None else torch.stack([voice[0, :, 0] for voice in voices if voice is not None])
    each = [torch.tensor(values).repeat_interleave(model.styles) for values in (ranges, paces, centres)]
    error = 0.0
    if any(value != 1 for value in ranges):
        assert model.pitch is not None
        error = model.pitch.widen(each[0], known, each[2])
    if any(pace != 1 for pace in paces):
        model.pace = VoiceConstant(torch.log(each[1]), known)
        error = max(error, model.pace.error)
    if error > 0.02:
        raise ExportError(
            "the model has too many speakers and styles for pitch_range or pace; offer fewer of them, or leave it out"
        )


def _check_ranges(model: Vits, facts: VoiceFacts, speakers: list[OfferedSpeaker], ranges: list[float]) -> None:
    if model.pitch is None:
        raise ExportError("pitch_range needs a voice whose decoder is driven by a pitch; leave it out")
    if not all(0 <= value <= 3 for value in ranges):
        raise ExportError(f"pitch_range must be between 0 and 3, not {max(ranges, key=abs):g}")
    unknown = [speaker.name for speaker in speakers if not 50 <= speaker.pitch <= 700]
    if unknown or (model.emb_g is not None and not facts.speakers):
        name = unknown[0] if unknown and unknown[0] else "each speaker"
        raise ExportError(f"pitch_range needs the mean pitch in Hz of {name}; give speakers their pitch, 50 to 700")


def _manifest(model: Vits, info: CheckpointInfo, offered: list[OfferedSpeaker], facts: VoiceFacts) -> dict:
    data = info.config.data
    margin = model.flow.margin + (model.pitch.margin if model.pitch else 0)
    speakers = [
        {"id": number, "name": speaker.name, "gender": speaker.gender, "description": speaker.description}
        for number, speaker in enumerate(offered)
    ]
    return {
        "format_version": 1,
        "name": facts.name,
        "language": data.languages[0],
        "languages": data.languages,
        "sample_rate": data.sample_rate,
        "hop_length": data.hop_length,
        "latent_channels": info.config.model.latent_channels,
        "symbols": info.symbols.to_dict(),
        **({"text": facts.text} if facts.text else {}),
        "speakers": speakers,
        "default_speaker": 0 if speakers else None,
        "styles": [NO_STYLE, *data.styles] if data.styles else [],
        "default_style": 0,
        "inference": {**PUBLISHED_SCALES, **facts.inference},
        "decoder": {"left_margin": model.dec.left_margin, "right_margin": model.dec.right_margin},
        "flow": {"left_margin": margin, "right_margin": margin},
        **({"source": {"noise_channels": model.dec.noise_channels}} if model.dec.noise_channels else {}),
        "licence": facts.licence,
        "attribution": facts.attribution,
        "training": {**_trained(info), **facts.training},
    }


def _trained(info: CheckpointInfo) -> dict[str, int | float]:
    """Steps and hours, as far as they are known: imported voices do not say them."""
    steps, seconds = info.step + info.earlier_steps, info.seconds_trained + info.earlier_seconds
    return ({"steps": steps} if steps else {}) | ({"hours": round(seconds / 3600, 2)} if seconds else {})


@torch.no_grad()
def _differences(model: Vits, graphs: dict[str, onnx.ModelProto]) -> tuple[float, float, float]:
    """Largest absolute difference of latent and audio between ONNX and PyTorch, noise zero, several lengths.

    And the largest share of PyTorch's samples that are clipped.
    """
    sessions = {
        name: onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
        for name, graph in graphs.items()
    }
    table = model.enc_p.emb.num_embeddings
    random = np.random.default_rng(0)
    worst = [0.0, 0.0, 0.0]
    for length in (9, 40, 133):
        arguments = {
            "symbols": torch.from_numpy(random.integers(0, table, (1, length))),
            "lengths": torch.tensor([length]),
            "scales": torch.tensor([[0.0, 1.0, 0.0]]),
            "duration_noise": torch.zeros(1, 2, length),
            "latent_noise": torch.zeros(1, model.latent_channels, 1),
            "speaker": torch.zeros(1, dtype=torch.int64),
            "language": torch.tensor([model.languages - 1]),
            "style": torch.tensor([model.styles - 1]),
        }
        prior, durations, conditioning = model.front_end(**arguments)
        latent = model.reverse_flow(prior, torch.tensor([prior.shape[2]]), conditioning)
        source = model.source(latent, conditioning)
        audio = model.decode(latent, conditioning, source)
        frontend = sessions["frontend.onnx"]
        feed = {node.name: arguments[node.name].numpy() for node in frontend.get_inputs()}
        names = [node.name for node in frontend.get_outputs()]
        outputs = dict(zip(names, frontend.run(names, feed), strict=True))
        if not np.array_equal(outputs["durations"], durations.numpy()):
            return float("inf"), float("inf"), 0.0
        voice = {} if conditioning is None else {"conditioning": outputs["conditioning"]}
        frames, *pitch = sessions["flow.onnx"].run(None, {"prior": outputs["prior"], **voice})
        driven = {}
        if source is not None:
            # The same phases for both: what rounding does to the pitch adds up over the frames.
            driven = {name: getattr(source, name).numpy() for name in ("pitch", "phase", "noise")}
            worst[0] = max(worst[0], float(np.abs(pitch[0] / driven["pitch"] - 1).max()))
        (samples,) = sessions["decoder.onnx"].run(["audio"], {"latent": frames, **voice, **driven})
        worst[0] = max(worst[0], float(np.abs(frames - latent.numpy()).max()))
        worst[1] = max(worst[1], float(np.abs(samples - audio.numpy()).max()))
        worst[2] = max(worst[2], float((audio.abs() >= FULL_SCALE).float().mean()))
    return worst[0], worst[1], worst[2]
