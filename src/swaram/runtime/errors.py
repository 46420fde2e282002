"""What can be wrong with a model file."""

from swaram.errors import SwaramError


class ModelError(SwaramError):
    """An ONNX model that may not be loaded; the message names the file and the fault."""
