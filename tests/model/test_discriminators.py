"""Period discriminators compute what the published two-dimensional convolutions do, by whichever way is fast."""

import pytest
import torch
from torch.nn import functional as F

from swaram.model.discriminators import PeriodDiscriminator


def two_dimensional(discriminator, audio):
    """As published: the layers over an image of rows and columns."""
    x = F.pad(audio.unsqueeze(1), (0, -audio.shape[1] % discriminator.period), mode="reflect")
    x = x.unflatten(2, (-1, discriminator.period))
    maps = []
    for convolution in discriminator.convs:
        x = F.leaky_relu(convolution(x), 0.1)
        maps.append(x)
    return [*maps, discriminator.conv_post(x)]


@pytest.mark.parametrize("period", [2, 3, 11])
@pytest.mark.parametrize("channels", [[4, 8, 8], [4, 24, 512]])
def test_scores_and_features_are_those_of_two_dimensions(period, channels):
    torch.manual_seed(0)
    discriminator, audio = PeriodDiscriminator(period, channels), torch.randn(4, 1001)
    score, features = discriminator(audio)
    expected = two_dimensional(discriminator, audio)
    assert score.shape == expected[-1].flatten(1).shape
    assert len(features) == len(expected) == 4
    for ours, theirs in zip(features, expected, strict=True):
        # (B * period, rows, C) against (B, C, rows, period)
        theirs = theirs.permute(0, 3, 2, 1).flatten(0, 1)
        assert torch.allclose(ours, theirs, atol=1e-5)
    # The halves of the batch stay halves: recordings and synthesis are told apart by them.
    assert torch.allclose(score[:2], discriminator(audio[:2])[0], atol=1e-5)
