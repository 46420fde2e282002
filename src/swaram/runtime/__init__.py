"""An ONNX model inspected, allowed, opened and stored small: what voices and recognisers share."""
