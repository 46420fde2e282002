"""The ONNX graphs of a voice, traced from the PyTorch model."""

import io
import warnings

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn.utils import parametrize

from swaram.model.decoders.base import Source
from swaram.model.vits import Vits
from swaram.runtime.quantisation import MINIMUM_SIZE, whole_and_scale

OPSET = 17
_FRAMES = 24  # of the tracing; any number may follow
# By kind of layer: which axis of the weight counts the outputs.
_OUTPUT_AXIS = {nn.Linear: 0, nn.Conv1d: 0, nn.Conv2d: 0, nn.ConvTranspose1d: 1, nn.Embedding: 0}
# Smaller tensors (biases, norms, shapes) stay in float32: they weigh nothing.
HALF_MINIMUM_SIZE = 1024


class _FrontEnd(nn.Module):
    def __init__(self, model: Vits, choices: list[str]):
        super().__init__()
        self.model, self.choices = model, choices

    def forward(
        self,
        symbols: Tensor,
        lengths: Tensor,
        scales: Tensor,
        duration_noise: Tensor,
        latent_noise: Tensor,
        *chosen: Tensor,
    ) -> tuple[Tensor, ...]:
        prior, durations, conditioning = self.model.front_end(
            symbols, lengths, scales, duration_noise, latent_noise, **dict(zip(self.choices, chosen, strict=True))
        )
        return (prior, durations) if conditioning is None else (prior, durations, conditioning)


class _Flow(nn.Module):
    def __init__(self, model: Vits):
        super().__init__()
        self.model = model

    def forward(self, prior: Tensor, conditioning: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        everything = torch.ones_like(prior[:, :1])
        latent = self.model.flow(prior, everything, conditioning, reverse=True)
        return latent if self.model.pitch is None else (latent, self.model.pitch(latent, conditioning))


class _Decoder(nn.Module):
    def __init__(self, model: Vits):
        super().__init__()
        self.model = model

    def forward(self, latent: Tensor, *others: Tensor) -> Tensor:
        conditioning = others[0] if self.model.condition else None
        source = Source(*others[-3:]) if self.model.dec.noise_channels else None
        return self.model.decode(latent, conditioning, source)


def fold_weight_norm(model: nn.Module) -> None:
    """Replace every weight-normalised weight by its product, in place."""
    for module in model.modules():
        if parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight")


def round_to_half(model: nn.Module) -> None:
    """Round the parameters that ``store_half`` will store in half precision, in place, so that nothing changes then."""
    for parameter in model.parameters():
        if parameter.numel() >= HALF_MINIMUM_SIZE:
            parameter.data = parameter.data.half().float()


@torch.no_grad()
def round_to_bytes(model: nn.Module) -> None:
    """Round the weights that ``storage.store_small`` will store in eight bits, in place: nothing changes then."""
    for module in model.modules():
        outputs = _OUTPUT_AXIS.get(type(module))
        if outputs is None or not isinstance(module.weight, Tensor) or module.weight.numel() < MINIMUM_SIZE:
            continue
        weight = module.weight.numpy()
        whole, scale = whole_and_scale(weight, axis=tuple(set(range(weight.ndim)) - {outputs}))
        module.weight.copy_(torch.from_numpy(whole.astype(np.float32) * scale))


def frontend_graph(model: Vits) -> onnx.ModelProto:
    """Text to frames of the prior, with the inputs and outputs that docs/architecture.md lists."""
    symbols, frames = 12, 40
    arguments: tuple[Tensor, ...] = (
        torch.randint(0, 3, (2, symbols)),
        torch.tensor([symbols, symbols - 3]),
        torch.tensor([[0.6, 1.0, 0.8]] * 2),
        torch.randn(2, 2, symbols),
        torch.randn(2, model.latent_channels, frames),
    )
    inputs = ["symbols", "lengths", "scales", "duration_noise", "latent_noise"]
    outputs = ["prior", "durations"]
    axes = {
        "symbols": {0: "batch", 1: "symbols"},
        "lengths": {0: "batch"},
        "scales": {0: "batch"},
        "duration_noise": {0: "batch", 2: "symbols"},
        "latent_noise": {0: "batch", 2: "noise"},
        "prior": {0: "batch", 2: "frames"},
        "durations": {0: "batch", 1: "symbols"},
    }
    choices = choices_of(model)
    for name in choices:
        # Of the speakers only one may be offered.
        alone = name == "speaker" and model.emb_g is not None and model.emb_g.num_embeddings == 1
        arguments += (torch.tensor([0, 0 if alone else 1]),)
        inputs.append(name)
        axes[name] = {0: "batch"}
    if model.condition:
        outputs.append("conditioning")
        axes["conditioning"] = {0: "batch"}
    return _trace(_FrontEnd(model, choices), arguments, inputs, outputs, axes)


def choices_of(model: Vits) -> list[str]:
    """The ids that this model's front end takes: of speaker, language and style, each where it has several."""
    several = {"speaker": model.emb_g is not None, "language": model.languages > 1, "style": model.styles > 1}
    return [name for name, there in several.items() if there]


def flow_graph(model: Vits) -> onnx.ModelProto:
    """Frames of the prior, without padding, to latent frames, and their pitch where the decoder needs it."""
    results = {"latent": {0: "batch", 2: "frames"}}
    if model.pitch is not None:
        results["pitch"] = {0: "batch", 1: "frames"}
    return _of_frames(_Flow(model), model, "prior", results, {})


def decoder_graph(model: Vits) -> onnx.ModelProto:
    """Latent frames to samples, with the inputs and outputs that docs/architecture.md lists."""
    source = {}
    if model.dec.noise_channels:
        source = {
            "pitch": torch.full((2, _FRAMES), 150.0),
            "phase": torch.rand(2, _FRAMES),
            "noise": torch.randn(2, model.dec.noise_channels, _FRAMES),
        }
    return _of_frames(_Decoder(model), model, "latent", {"audio": {0: "batch", 1: "samples"}}, source)


def _of_frames(
    module: nn.Module, model: Vits, given: str, results: dict[str, dict[int, str]], more: dict[str, Tensor]
) -> onnx.ModelProto:
    """A graph of frames ``given``, of the conditioning where the model has one, and of ``more``, frames last."""
    inputs = {given: torch.randn(2, model.latent_channels, _FRAMES)}
    if model.condition:
        inputs["conditioning"] = torch.randn(2, model.condition, 1)
    inputs |= more
    dynamic = {name: {0: "batch", value.dim() - 1: "frames"} for name, value in inputs.items()} | results
    if model.condition:
        dynamic["conditioning"] = {0: "batch"}
    return _trace(module, tuple(inputs.values()), list(inputs), list(results), dynamic)


def _trace(
    module: nn.Module,
    arguments: tuple[Tensor, ...],
    inputs: list[str],
    outputs: list[str],
    axes: dict[str, dict[int, str]],
) -> onnx.ModelProto:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        # The tracing exporter is kept on purpose: lengths that depend on data stop the newer one.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            arguments,
            buffer,  # type: ignore[arg-type]  # it takes any stream, its annotation does not say so
            input_names=inputs,
            output_names=outputs,
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
    graph = onnx.load_from_string(buffer.getvalue())
    onnx.checker.check_model(graph, full_check=True)
    return graph


def store_half(graph: onnx.ModelProto, keep: tuple[str, ...] = ()) -> None:
    """Store large float32 weights in half precision, in place; the runtime widens them once when it loads.

    Computation stays float32. Weights whose name ends with one of ``keep`` stay as they are.
    """
    casts = []
    for tensor in graph.graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT or tensor.name.endswith(keep):
            continue
        values = numpy_helper.to_array(tensor)
        if values.size < HALF_MINIMUM_SIZE:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), name + ".half"))
        casts.append(onnx.helper.make_node("Cast", [name + ".half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = list(graph.graph.node)
    del graph.graph.node[:]
    graph.graph.node.extend([*casts, *nodes])
