"""Voices: the package that holds one, the engine that speaks with it and streams what it says.

A voice is ``frontend.onnx`` and ``decoder.onnx`` with a manifest; everything here runs on onnxruntime.
"""

import os

# onnxruntime would otherwise keep a device id, and send what it runs to its maker.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

from swaram.voice.errors import SpeechError, VoiceError

__all__ = ["SpeechError", "VoiceError"]
