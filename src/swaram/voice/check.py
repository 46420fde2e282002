"""Whether a voice keeps the promise of streaming: joined windows equal one pass of the decoder."""

import numpy as np

from swaram.voice.engine import Engine
from swaram.voice.errors import VoiceError
from swaram.voice.passages import Passage
from swaram.voice.request import SpeechRequest
from swaram.voice.voice import Voice

TOLERANCE = 1e-5
_SYMBOLS = 120


def check_voice(voice: Voice) -> float:
    """Run every symbol of a voice, streamed and whole, for its first and last speaker.

    Returns the largest difference of two samples. Raises VoiceError where it exceeds ``TOLERANCE``, where the
    samples are not finite, or where the models do not fit together.
    """
    engine = Engine(voice)
    letters = [symbol for symbol in voice.symbols.symbols if symbol.isalnum()]
    text = "".join(letters[:_SYMBOLS])
    passage = Passage(text, list(range(len(text))), 0.0)
    speakers = voice.manifest.speakers
    largest = 0.0
    for speaker in {speakers[0].id, speakers[-1].id} if speakers else {None}:
        latent = engine.encode(passage, SpeechRequest(text, speaker=speaker), 0)
        whole = engine.models.decode_whole(latent)
        if len(whole) != latent.length * voice.hop_length or not np.isfinite(whole).all():
            raise VoiceError(
                f"{voice.package.source}: decoder.onnx made {len(whole)} samples of {latent.length} frames, or "
                "values that are not numbers; export the voice again."
            )
        parts = [engine.models.decode(latent, window) for window in engine.windows(latent)]
        largest = max(largest, float(np.abs(np.concatenate(parts) - whole).max()))
    if largest > TOLERANCE:
        raise VoiceError(
            f"{voice.package.source}: streamed and whole differ by {largest:.1e}; the margins in voice.json "
            "are too small for its models."
        )
    return largest
