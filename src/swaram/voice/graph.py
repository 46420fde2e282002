"""The ONNX graphs of a voice, traced from the PyTorch model."""

import io
import warnings

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn.utils import parametrize

from swaram.model.vits import Vits

OPSET = 17
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

    def forward(self, prior: Tensor, conditioning: Tensor | None = None) -> Tensor:
        everything = torch.ones_like(prior[:, :1])
        return self.model.flow(prior, everything, conditioning, reverse=True)


class _Decoder(nn.Module):
    def __init__(self, model: Vits):
        super().__init__()
        self.model = model

    def forward(self, latent: Tensor, conditioning: Tensor | None = None) -> Tensor:
        return self.model.decode(latent, conditioning)


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
        arguments += (torch.tensor([0, 1]),)
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
    """Frames of the prior, without padding, to latent frames."""
    return _of_frames(_Flow(model), model, "prior", "latent", {0: "batch", 2: "frames"})


def decoder_graph(model: Vits) -> onnx.ModelProto:
    """Latent frames to samples, with the inputs and outputs that docs/architecture.md lists."""
    return _of_frames(_Decoder(model), model, "latent", "audio", {0: "batch", 1: "samples"})


def _of_frames(module: nn.Module, model: Vits, source: str, result: str, axes: dict[int, str]) -> onnx.ModelProto:
    frames = torch.randn(2, model.latent_channels, 24)
    dynamic = {source: {0: "batch", 2: "frames"}, result: axes}
    if not model.condition:
        return _trace(module, (frames,), [source], [result], dynamic)
    dynamic["conditioning"] = {0: "batch"}
    conditioning = torch.randn(2, model.condition, 1)
    return _trace(module, (frames, conditioning), [source, "conditioning"], [result], dynamic)


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
