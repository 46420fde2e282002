"""Speech to text: a compact CTC recogniser trained on natural speech alone, which judges voices and transcribes files.

``Recognizer`` needs onnxruntime and NumPy; only training and exporting need PyTorch.
"""

from swaram.recognition.errors import RecognizerError
from swaram.recognition.recognizer import Recognizer, Transcript, Word

__all__ = ["Recognizer", "RecognizerError", "Transcript", "Word"]
