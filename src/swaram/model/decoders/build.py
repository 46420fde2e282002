"""The decoder that a configuration names."""

from swaram.config.model import DecoderConfig, HarmonicConfig, MultibandConfig, VocosConfig
from swaram.model.decoders.base import Decoder
from swaram.model.decoders.harmonic import HarmonicDecoder
from swaram.model.decoders.hifigan import HifiganDecoder
from swaram.model.decoders.multiband import MultibandDecoder
from swaram.model.decoders.vocos import VocosDecoder


def build_decoder(config: DecoderConfig, latent: int, hop: int, sample_rate: int, condition: int = 0) -> Decoder:
    """The decoder of a configuration; ``latent`` and ``condition`` are channel counts, ``hop`` is in samples."""
    if isinstance(config, HarmonicConfig):
        return HarmonicDecoder(config, latent, hop, sample_rate, condition)
    if isinstance(config, VocosConfig):
        return VocosDecoder(config, latent, hop, condition)
    if isinstance(config, MultibandConfig):
        return MultibandDecoder(config, latent, condition)
    return HifiganDecoder(config, latent, condition)
