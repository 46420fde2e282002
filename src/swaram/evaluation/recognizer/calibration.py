"""How much to take from the blank: a network that learnt from little speech says too little of new speech."""

from collections.abc import Sequence

import numpy as np
import torch

from swaram.evaluation.recognizer.clips import Clip
from swaram.evaluation.recognizer.decoding import BLANK, greedy
from swaram.evaluation.recognizer.features import FeatureSettings, spectra
from swaram.evaluation.recognizer.network import Network
from swaram.evaluation.recognizer.scoring import error_rate
from swaram.evaluation.recognizer.units import UnitTable

PENALTIES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)  # nats


def blank_penalty(
    network: Network, features: FeatureSettings, units: UnitTable, clips: Sequence[Clip]
) -> tuple[float, dict[float, float]]:
    """The penalty with the fewest greedy errors on ``clips``, which training must not have heard, and the rate of each.

    Of equal rates the smallest penalty counts.
    """
    rows = [network.listen(spectra(clip.audio(features.sample_rate), features)).numpy() for clip in clips]
    texts = [clip.text for clip in clips]
    rates = {}
    for penalty in PENALTIES:
        lighter = [row - penalty * (np.arange(row.shape[1]) == BLANK) for row in rows]
        rates[penalty] = error_rate(texts, [units.decode(greedy(row)) for row in lighter])
    return min(PENALTIES, key=lambda penalty: rates[penalty]), rates


@torch.no_grad()
def take_from_blank(network: Network, penalty: float) -> None:
    """Lower the blank's score by ``penalty`` nats in every frame, in place; all that follows hears it so."""
    network.leave.bias[BLANK] -= penalty
