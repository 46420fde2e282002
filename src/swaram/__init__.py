"""Text to speech for India's languages other than Hindi: prepare, train, measure, serve."""

import os

# onnxruntime would otherwise keep a device id and send what it runs to its maker.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"
