"""What is exported: one network or several that were trained beside each other, and how much their blank loses."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from swaram.prepare.manifest import Clip
from swaram.recognition.decoding import BLANK, greedy
from swaram.recognition.error_rates import error_rate
from swaram.recognition.errors import RecognizerError
from swaram.recognition.features import FeatureSettings, spectra
from swaram.recognition.network import Network, listen
from swaram.recognition.units import UnitTable

PENALTIES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)  # nats


class Panel(nn.Module):
    """The mean of what networks say, in log probabilities, and less of the blank.

    A network that learnt from little speech says too little of new speech: the blank's score is lowered by a
    ``penalty`` in nats. Raises RecognizerError where the networks do not speak up at the same rate.
    """

    penalties: Tensor

    def __init__(self, networks: Sequence[Network], penalty: float = 0.0) -> None:
        super().__init__()
        if len({(network.settings.stride, network.leave.out_features) for network in networks}) != 1:
            raise RecognizerError(
                "networks of other strides or units cannot be one recogniser; train one beside the other"
            )
        self.networks = nn.ModuleList(networks)
        self.stride = networks[0].settings.stride
        self.reach = max(network.settings.reach for network in networks)
        self.register_buffer("penalties", torch.zeros(networks[0].leave.out_features))
        self.set_penalty(penalty)

    def set_penalty(self, penalty: float) -> None:
        """Nats that the blank loses in every frame."""
        self.penalties[BLANK] = penalty

    def forward(self, mel: Tensor) -> Tensor:
        """float [B, F, n_mels], F a multiple of the stride -> log probabilities [B, F / stride, n_units]."""
        said = sum(network(mel) for network in self.networks) / len(self.networks)
        return (said - self.penalties).log_softmax(-1)


def best_penalty(
    panel: Panel, features: FeatureSettings, units: UnitTable, clips: Sequence[Clip]
) -> tuple[float, dict[float, float]]:
    """The penalty with the fewest greedy errors on ``clips``, which training must not have heard, and the rate of each.

    Of equal rates the smallest penalty counts. That of ``panel`` stays as it is.
    """
    rows = [listen(panel, spectra(clip.audio(features.sample_rate), features), panel.stride).numpy() for clip in clips]
    texts = [clip.text for clip in clips]
    rates = {}
    for penalty in PENALTIES:
        change = (penalty - float(panel.penalties[BLANK])) * (np.arange(len(units)) == BLANK)
        rates[penalty] = error_rate(texts, [units.decode(greedy(row - change)) for row in rows])
    return min(PENALTIES, key=lambda penalty: rates[penalty]), rates
