"""Voices: the package that holds one, the engine that speaks with it and streams what it says.

A voice is ``frontend.onnx`` and ``decoder.onnx`` with a manifest; everything here runs on onnxruntime.
"""

from swaram.voice.errors import SpeechError, VoiceError

__all__ = ["SpeechError", "VoiceError"]
