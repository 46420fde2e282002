"""A voice of ours opened for writing in another system's format."""

from dataclasses import replace
from pathlib import Path

from swaram.model.settings import HifiganConfig
from swaram.training.checkpoints import find_checkpoint, read_info, read_tensors
from swaram.voice.export import keep_speakers, load_generator
from swaram.voice.facts import VoiceFacts
from swaram.voice.formats.exchange import FormatError, TrainedVoice
from swaram.voice.package import is_package


def load_trained(source: Path, facts: VoiceFacts, title: str) -> TrainedVoice:
    """The averaged generator of a checkpoint with the speakers that ``facts`` offers, and its discriminators.

    ``title``: the format, for messages. Raises FormatError for a voice package: its graphs hold no named tensors.
    """
    if is_package(source):
        raise FormatError(f"{source} is a voice package; {title} is made of the checkpoint it was exported from")
    folder = find_checkpoint(source)
    info = read_info(folder)
    model = load_generator(folder, info)
    offered = keep_speakers(model, info, facts.speakers)
    names = [speaker.name for speaker in offered] or info.speakers
    discriminators = read_tensors(folder, "discriminator") if info.discriminators else None
    return TrainedVoice(model, replace(info, speakers=names), facts, discriminators)


def require_published_parts(voice: TrainedVoice, title: str) -> HifiganConfig:
    """The decoder's settings, where the voice is of the published kind.

    Raises FormatError for another decoder, a language embedding or styles: the format has no place for them.
    """
    data, decoder = voice.info.config.data, voice.info.config.model.decoder
    if not isinstance(decoder, HifiganConfig):
        raise FormatError(
            f"{title} has a HiFi-GAN decoder, and this voice's is {decoder.type}: it cannot be written so"
        )
    if len(data.languages) > 1:
        raise FormatError(f"{title} has no place for the languages {', '.join(data.languages)}, only for a single one")
    if data.styles:
        raise FormatError(f"{title} has no place for the styles {', '.join(data.styles)}")
    return decoder
