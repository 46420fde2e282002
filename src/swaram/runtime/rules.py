"""Which ONNX models a voice may hold: known operators, weights inside of the file, shapes of a possible size."""

import math

from swaram.runtime.errors import ModelError
from swaram.runtime.inspect import Node, OnnxFile, OnnxFormatError, Tensor, read_onnx

# Mathematics and reshaping. Left out on purpose: Loop and Scan (they may never end), sequences, strings, images,
# optional values, and everything that is not in ONNX itself.
_NAMES = """
    Abs Acos Add And ArgMax ArgMin Asin Atan AveragePool BatchNormalization BitShift Cast CastLike Ceil Celu Clip
    Compress Concat Constant ConstantOfShape Conv ConvInteger ConvTranspose Cos Cosh CumSum DepthToSpace
    DequantizeLinear Div Dropout DynamicQuantizeLinear Einsum Elu Equal Erf Exp Expand EyeLike Flatten Floor GRU Gather
    GatherElements GatherND Gelu Gemm GlobalAveragePool Greater GreaterOrEqual GroupNormalization HardSigmoid HardSwish
    Identity If InstanceNormalization IsInf IsNaN LSTM LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax
    LpNormalization MatMul MatMulInteger Max MaxPool Mean Min Mish Mod Mul Neg NonZero Not OneHot Or PRelu Pad Pow
    QLinearConv QLinearMatMul QuantizeLinear RNN RandomNormal RandomNormalLike RandomUniform RandomUniformLike Range
    Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum
    ReduceSumSquare Relu Reshape Resize Round ScatterElements ScatterND Selu Shape Shrink Sigmoid Sign Sin Sinh Size
    Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Tan Tanh ThresholdedRelu Tile TopK Transpose
    Trilu Unsqueeze Where Xor
    """
OPERATORS = frozenset(_NAMES.split())
DOMAINS = frozenset({"", "ai.onnx"})

MAX_ELEMENTS = 1 << 28
MAX_NODES = 100_000
_MAX_EXTENT = 1 << 20
# Attributes that say how large something becomes, and inputs that do.
_EXTENTS = ("pads", "kernel_shape", "strides", "dilations", "output_padding", "output_shape", "group")
_SHAPES = ("shape",)
_SHAPE_INPUTS = {"ConstantOfShape": 0, "Expand": 1, "Reshape": 1, "Tile": 1}
_COUNT_INPUTS = {"Range": (0, 1), "Pad": (1,), "Resize": (3,)}


def check_model(source: str, name: str, model: bytes) -> None:
    """Raise ModelError, in one sentence, unless the model may be loaded."""
    try:
        found = read_onnx(model)
    except OnnxFormatError as error:
        raise ModelError(f"{source}: {name} is not an ONNX model: {error}; fetch or export the voice again.") from error
    fault = _fault(found)
    if fault:
        raise ModelError(f"{source}: {name} {fault}.")


def _fault(found: OnnxFile) -> str | None:
    strange = sorted(found.domains - DOMAINS)
    if found.has_functions or found.has_training or found.has_sparse:
        return "holds functions, training or sparse weights, which no voice needs; export it without them"
    if len(found.nodes) > MAX_NODES:
        return f"has {len(found.nodes)} operations; a voice has at most {MAX_NODES}"
    for node in found.nodes:
        if node.domain not in DOMAINS:
            return f"uses the operator {_plain(node.operator)} of {_plain(node.domain)}, which is not of ONNX itself"
        if node.operator not in OPERATORS:
            return f"uses the operator {_plain(node.operator)}, which voices do not use; it is not loaded"
    if strange:
        return f"wants operators of {_plain(strange[0])}, which are not of ONNX itself"
    for tensor in (*found.weights, *(tensor for node in found.nodes for tensor in node.tensors)):
        fault = _tensor_fault(tensor)
        if fault:
            return fault
    for dims in found.declared_dims:
        if any(d > MAX_ELEMENTS for d in dims) or math.prod(d for d in dims if d > 0) > MAX_ELEMENTS:
            return f"declares a shape of {_shape(dims)}, which no voice has"
    constants = {weight.name: weight.integers for weight in found.weights}
    for node in found.nodes:
        if node.operator == "Constant" and node.outputs:
            given = node.integers.get("value_int") or node.integers.get("value_ints") or []
            constants[node.outputs[0]] = node.tensors[0].integers if node.tensors else given
    return next((fault for node in found.nodes if (fault := _size_fault(node, constants))), None)


def _tensor_fault(tensor: Tensor) -> str | None:
    if tensor.outside:
        return f"keeps the weight {_plain(tensor.name)} outside of the file; store all weights inside"
    if any(d < 0 for d in tensor.dims) or math.prod(tensor.dims) > MAX_ELEMENTS:
        return f"declares a weight of {_shape(tensor.dims)}, which no voice has"
    if math.prod(tensor.dims) != tensor.elements and tensor.kind in range(1, 17) and tensor.kind != 8:
        return f"declares {_shape(tensor.dims)} values for the weight {_plain(tensor.name)} and holds {tensor.elements}"
    return None


def _size_fault(node: Node, constants: dict[str, list[int]]) -> str | None:
    for name in _EXTENTS:
        if any(abs(value) > _MAX_EXTENT for value in node.integers.get(name, ())):
            return f"has a {node.operator} whose {name} are larger than any voice's"
    asked = [node.integers.get(name, []) for name in _SHAPES] if node.operator.startswith("Random") else []
    place = _SHAPE_INPUTS.get(node.operator)
    if place is not None and place < len(node.inputs):
        asked.append(constants.get(node.inputs[place], []))
    for dims in asked:
        if math.prod(abs(d) for d in dims if d) > MAX_ELEMENTS:
            return f"asks {node.operator} for {_shape(dims)} values, which no voice needs"
    for place in _COUNT_INPUTS.get(node.operator, ()):
        counts = constants.get(node.inputs[place], []) if place < len(node.inputs) else []
        if any(abs(count) > MAX_ELEMENTS for count in counts):
            return f"asks {node.operator} for {max(map(abs, counts))} values, which no voice needs"
    return None


def _shape(dims: list[int]) -> str:
    return " × ".join(str(d) for d in dims[:8])


def _plain(text: str) -> str:
    return repr(text[:80])
