"""Voices of other systems made in a moment, with random weights, and voices of ours spoken by their ids."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from swaram.text.symbols import letters_of

# A vocabulary as Meta's MMS voices have it: id 0 is a letter and the blank, a few marks, no full stop.
MMS_MARKS = " '-_"
SENTENCE = "അമ്മ വീട്ടിൽ വന്നു"
# Small, but with every part that the published configuration has.
SMALL = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "ffn_dim": 32,
    "flow_size": 8,
    "spectrogram_bins": 33,
    "posterior_encoder_num_wavenet_layers": 2,
    "prior_encoder_num_wavenet_layers": 2,
    "duration_predictor_filter_channels": 24,
    "upsample_initial_channel": 32,
    "upsample_rates": [4, 8],
    "upsample_kernel_sizes": [8, 16],
    "resblock_kernel_sizes": [3, 5],
    "resblock_dilation_sizes": [[1, 3], [1, 3]],
    "sampling_rate": 8000,
}


def vocabulary(*languages: str) -> dict[str, int]:
    """Ids of letters and marks; the last letter has id 0."""
    letters = sorted({letter for code in languages for letter in letters_of(code)} - set(MMS_MARKS))
    return {symbol: place for place, symbol in enumerate([letters[-1], *MMS_MARKS, *letters[:-1]])}


def write_vits(folder: Path, *, language: str = "mal", symbols: dict[str, int] | None = None, seed: int = 0, **changes):
    """Save a random, audible VitsModel with its tokenizer's files; return the model."""
    from transformers import VitsConfig, VitsModel

    symbols = symbols or vocabulary("ml")
    torch.manual_seed(seed)
    model = VitsModel(VitsConfig(vocab_size=len(symbols), **(SMALL | changes))).eval()
    make_plausible(model)
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    (folder / "vocab.json").write_text(json.dumps(symbols, ensure_ascii=False), encoding="utf-8")
    settings = {"language": language, "add_blank": True, "normalize": True, "phonemize": False, "is_uroman": False}
    blank = next(symbol for symbol, place in symbols.items() if place == 0)
    tokenizer = {"tokenizer_class": "VitsTokenizer", "pad_token": blank, "unk_token": blank, **settings}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer, ensure_ascii=False), encoding="utf-8")
    return model


@torch.no_grad()
def make_plausible(model) -> None:
    """Random weights hurry and saturate the last layer: slower, about a tenth of full scale, speakers that differ."""
    predictor = model.duration_predictor
    if model.config.use_stochastic_duration_prediction:
        predictor.flows[0].translate[0] = -1.2
    else:
        predictor.proj.bias += 1.2
    if model.config.num_speakers > 1:
        model.embed_speaker.weight.normal_()
    ids = torch.arange(20)[None] % model.config.vocab_size
    speaker = 0 if model.config.num_speakers > 1 else None
    for _ in range(40):
        if model(ids, speaker_id=speaker).waveform.std() < 0.15:
            return
        model.decoder.conv_post.weight.mul_(0.7)


@torch.no_grad()
def vits_audio(model, ids: np.ndarray, noise, scales, speaker: int | None = None) -> np.ndarray:
    """What VitsModel says to ids [symbols] with these noises in place of random numbers: float32 [samples]."""
    duration_noise, latent_noise = map(torch.from_numpy, noise)
    model.noise_scale, model.noise_scale_duration, model.speaking_rate = scales[0], scales[2], 1 / scales[1]
    randn, randn_like = torch.randn, torch.randn_like
    torch.randn = lambda *size, **_: duration_noise
    torch.randn_like = lambda x, **_: latent_noise[:, :, torch.arange(x.shape[2]) % latent_noise.shape[2]]
    try:
        return model(torch.from_numpy(ids)[None], speaker_id=speaker).waveform[0].numpy()
    finally:
        torch.randn, torch.randn_like = randn, randn_like


def difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest difference of two samples, which is also printed (pytest -rP shows it)."""
    assert ours.shape == theirs.shape
    found = float(np.abs(ours - theirs).max())
    print(f"largest difference {found:.1e}")
    return found


def noises(symbols: int, channels: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Duration noise [1, 2, symbols] and latent noise [1, channels, 300]."""
    random = np.random.default_rng(seed)
    shapes = ((1, 2, symbols), (1, channels, 300))
    first, second = (random.standard_normal(shape, np.float32) for shape in shapes)
    return first, second


def package_audio(folder: Path, ids: np.ndarray, noise, scales, **numbers: int) -> np.ndarray:
    """What a voice package's graphs say to ids: float32 [samples]; ``numbers``: speaker, language, style."""
    given = {
        "symbols": ids[None],
        "lengths": np.array([len(ids)]),
        "scales": np.array([scales], np.float32),
        "duration_noise": noise[0],
        "latent_noise": noise[1],
        **{name: np.array([number]) for name, number in numbers.items()},
    }
    made = run(folder / "frontend.onnx", given)
    made |= run(folder / "flow.onnx", made)
    return run(folder / "decoder.onnx", made)["audio"][0]


@torch.no_grad()
def model_audio(model, ids: np.ndarray, noise, scales, speaker: int | None = None) -> np.ndarray:
    """What a generator of ours says to ids [symbols] in PyTorch: float32 [samples]."""
    inputs = (torch.from_numpy(ids)[None], torch.tensor([len(ids)]), torch.tensor([scales]))
    noise = (torch.from_numpy(noise[0]), torch.from_numpy(noise[1]))
    prior, _, conditioning = model.front_end(*inputs, *noise, None if speaker is None else torch.tensor([speaker]))
    latent = model.reverse_flow(prior, torch.tensor([prior.shape[2]]), conditioning)
    return model.decode(latent, conditioning)[0].numpy()


def run(path: Path, given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """All outputs of a graph by name."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [node.name for node in session.get_outputs()]
    feed = {node.name: given[node.name] for node in session.get_inputs()}
    return dict(zip(names, session.run(names, feed), strict=True))
