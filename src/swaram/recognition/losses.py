"""What training a recogniser minimises: CTC of a row and of the one mixed into it, and what two views hear apart."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from swaram.recognition.batches import Batch
from swaram.recognition.decoding import BLANK


def ctc(probabilities: Tensor, batch: Batch) -> Tensor:
    """CTC cost in nats for each unit of the batch, a scalar; ``probabilities``: float [R, T, U], log probabilities.

    A row with another one mixed into it is to say both texts, each by its share (Meng et al. 2021, MixSpeech,
    equation 3).
    """
    texts = np.split(batch.targets, np.cumsum(batch.lengths)[:-1])
    shares = torch.from_numpy(batch.shares)
    total = ((1 - shares) * _costs(probabilities, texts)).sum()
    mixed = np.flatnonzero(batch.shares).tolist()
    if mixed:
        other = _costs(probabilities[mixed], [texts[batch.partner(row)] for row in mixed])
        total = total + (shares[mixed] * other).sum()
    return total / int(batch.lengths.sum())


def disagreement(probabilities: Tensor, views: int) -> Tensor:
    """How differently views of the same rows are heard (Yao et al. 2024, CR-CTC, equation 3), in nats, a scalar.

    ``probabilities``: float [views x rows, T, U], log probabilities. The divergence of every view from the one before
    it, whose gradient is held, summed over frames, rows and views.
    """
    views_of = probabilities.unflatten(0, (views, -1))
    return F.kl_div(views_of, views_of.roll(1, 0).detach(), reduction="sum", log_target=True)


def _costs(probabilities: Tensor, texts: list[np.ndarray]) -> Tensor:
    """Of each row: float [R, T, U] -> [R]."""
    return F.ctc_loss(
        probabilities.transpose(0, 1),  # (B, T, U) -> (T, B, U)
        torch.from_numpy(np.concatenate(texts)),
        torch.full((len(texts),), probabilities.shape[1]),
        torch.tensor([len(text) for text in texts]),
        BLANK,
        reduction="none",
        zero_infinity=True,
    )
