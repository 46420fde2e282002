"""Validation: the reconstruction losses on the whole validation split, and fixed sentences spoken each time."""

from dataclasses import dataclass

import numpy as np
import torch

from swaram.config.config import Config
from swaram.model.discriminators import Discriminators
from swaram.model.spectra import Spectra
from swaram.model.vits import Vits
from swaram.text.symbols import SymbolTable
from swaram.training import losses
from swaram.training.batches import BatchOrder, collate
from swaram.training.dataset import Dataset
from swaram.training.distributed import Processes


@dataclass
class SpokenSentence:
    """A validation sentence as the model says it now."""

    text: str
    speaker: int
    audio: np.ndarray  # float32 [samples], -1..1
    mel: np.ndarray  # float32 [n_mels, frames]
    durations: np.ndarray  # int64 [symbols], frames


@torch.no_grad()
def validate(
    model: Vits,
    discriminators: Discriminators,
    spectra: Spectra,
    dataset: Dataset,
    speakers: dict[str, int],
    config: Config,
    processes: Processes,
) -> dict[str, float]:
    """Every loss of the generator over all clips, weighted by clip, with the same random numbers every time.

    The batches are shared out among the processes. The global random state is left as it was, so that validating does
    not change a run.
    """
    hop, segment, device = config.data.hop_length, config.train.segment_frames, processes.device
    frames = np.array([clip.samples // hop for clip in dataset.clips])
    batches = BatchOrder(frames, config.train.batch_size, config.train.batch_frames, 0).epoch(0)
    left_out = {"fine_mel"} | ({"pitch"} if model.pitch is None else set())
    names = [name for name in config.train.weights.model_dump() if name not in left_out]
    totals = torch.zeros(len(names), dtype=torch.float64, device=device)
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        for number in range(processes.rank, len(batches), processes.size):
            torch.manual_seed(number)
            batch = collate(dataset, batches[number], speakers, hop).to(device)
            prior, output = model(batch.inputs(spectra), segment)
            real = cut_audio(batch.audio[output.rows], output.starts, segment, hop)
            _, real_maps = discriminators(real)
            scores, fake_maps = discriminators(output.audio)
            values = {
                "mel": losses.mel(spectra(real), spectra(output.audio)),
                "kl": losses.kl(prior),
                "duration": prior.duration_loss,
                "adversarial": losses.adversarial(scores),
                "feature_matching": losses.feature_matching(real_maps, fake_maps),
            }
            if batch.pitch is not None:
                values["pitch"] = losses.pitch(prior, batch.pitch)
            totals += torch.stack([values[name].double() for name in names]) * len(batches[number])
    return dict(zip(names, (processes.sum(totals) / len(dataset.clips)).tolist(), strict=True))


def cut_audio(audio: torch.Tensor, starts: torch.Tensor, segment: int, hop: int) -> torch.Tensor:
    """Segments of audio [batch, samples]: ``segment`` frames from frame ``starts`` on: [batch, segment * hop]."""
    index = starts[:, None] * hop + torch.arange(segment * hop, device=audio.device)
    return audio.gather(1, index)


@torch.no_grad()
def speak(
    model: Vits, spectra: Spectra, ids: list[int], text: str, speaker: int, seed: int = 0, language: int = 0
) -> SpokenSentence:
    """Say symbol ids as one speaker, with the published scales 0.667, 1, 0.8 and noise from ``seed``, in no style."""
    device = next(model.parameters()).device
    random = torch.Generator().manual_seed(seed)
    prior, durations, conditioning = model.front_end(
        torch.tensor([ids], device=device),
        torch.tensor([len(ids)], device=device),
        torch.tensor([[0.667, 1.0, 0.8]], device=device),
        torch.randn(1, 2, len(ids), generator=random).to(device),
        torch.randn(1, model.latent_channels, 4096, generator=random).to(device),
        torch.tensor([speaker], device=device),
        torch.tensor([language], device=device),
        torch.tensor([0], device=device),
    )
    # An untrained duration predictor can ask for minutes of a single symbol; 40 s are enough to look at.
    limit = 40 * spectra.sample_rate // spectra.hop
    prior = prior[:, :, :limit]
    latent = model.reverse_flow(prior, torch.tensor([prior.shape[2]], device=device), conditioning)
    audio = model.decode(latent, conditioning, model.source(latent, conditioning))
    mel = spectra(audio)[0] if audio.shape[1] >= spectra.n_fft else torch.zeros(spectra.filters.shape[0], 1)
    return SpokenSentence(text, speaker, audio[0].cpu().numpy(), mel.cpu().numpy(), durations[0].cpu().numpy())


def validation_sentences(
    config: Config, dataset: Dataset, symbols: SymbolTable
) -> list[tuple[str, list[int], str, int]]:
    """Text, symbol ids, speaker and language of the sentences to speak: those configured (in the first language), else
    four of the validation clips.
    """
    speakers = dataset.speakers
    if config.train.validation_sentences:
        usual = max(speakers, key=lambda name: sum(clip.speaker == name for clip in dataset.clips))
        texts = config.train.validation_sentences
        return [(text, symbols.encode(text), usual, 0) for text in texts]
    step = max(1, len(dataset.clips) // 4)
    chosen = dataset.clips[::step][:4]
    return [(clip.transcript, list(clip.symbols), clip.speaker, clip.language) for clip in chosen]
