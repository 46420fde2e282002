"""DNSMOS: a model's guess of how people would rate a recording's cleanness; a guard, never a mean opinion score.

DNSMOS P.835 (Reddy, Gopal and Cutler 2022) was trained on English speech with and without noise suppression. The
package ``speechmos`` ships its model, which is run here directly, since the package would bring librosa for it.
"""

import importlib.util
from pathlib import Path

import numpy as np

from swaram.audio.resample import resample
from swaram.evaluation.errors import NotMeasured
from swaram.extras import install_command
from swaram.runtime.session import open_session

RATE, SECONDS = 16_000, 9.01
# Place among the model's outputs, and from there to a scale of 1 to 5: the published polynomials, highest power first.
# The first output, speech, is left out: on Malayalam recordings it rose when noise was added.
SCALES = {
    "dnsmos_background": (1, (-0.13166888, 1.60915514, -0.39604546)),
    "dnsmos_overall": (2, (-0.06766283, 1.11546468, 0.04602535)),
}


class Dnsmos:
    """The model of ``speechmos``. Raises NotMeasured where the package is missing."""

    def __init__(self) -> None:
        found = importlib.util.find_spec("speechmos")
        if found is None or found.origin is None:
            raise NotMeasured(f"the package speechmos is missing; {install_command('evaluate')}")
        model = Path(found.origin).parent / "dnsmos_models" / "sig_bak_ovr.onnx"
        if not model.is_file():
            raise NotMeasured("the package speechmos holds no sig_bak_ovr.onnx; pip install 'speechmos==0.0.1.1'")
        self._session = open_session(str(model))

    def __call__(self, audio: np.ndarray, sample_rate: int) -> dict[str, float]:
        """Each of ``SCALES``, about 1 to 5; a shorter clip is repeated to 9.01 s, a longer one heard in steps of 1 s.

        ``audio``: float32 [samples], -1..1, mono.
        """
        sound = np.clip(resample(audio, sample_rate, RATE), -1, 1)
        size = int(SECONDS * RATE)
        if len(sound) < size:
            sound = np.resize(sound, size)
        starts = range(0, len(sound) - size + 1, RATE)
        raw = np.array(
            [self._session.run(None, {"input_1": sound[None, a : a + size].astype(np.float32)})[0][0] for a in starts]
        )
        return {name: float(np.mean(np.polyval(scale, raw[:, i]))) for name, (i, scale) in SCALES.items()}
