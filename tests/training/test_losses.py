"""bfloat16 is for matrix products; spectra, divergence, spline and losses stay float32, and so do the weights."""

import pytest
import torch

from swaram.config.config import TrainConfig, parse_config
from swaram.model import durations
from swaram.text.symbols import SymbolTable
from swaram.training import losses
from swaram.training.distributed import choose_device, choose_precision
from swaram.training.trainer import Trainer
from tests.training.runs import trainer_of


@pytest.fixture
def pair(config):
    """The same trainer in bfloat16 and in float32, and a batch."""
    exact, batch = trainer_of(config)
    rough = Trainer(config, SymbolTable.for_languages("ml"), exact.speakers, torch.device("cpu"), torch.bfloat16)
    return rough, exact, batch


def test_what_needs_float32_gets_it_under_bfloat16(pair, monkeypatch):
    rough, _, batch = pair
    seen: dict[str, set[torch.dtype]] = {}

    def watched(module, name):
        function = getattr(module, name)

        def watch(*values):
            flat = [v for value in values for v in (value if isinstance(value, list) else [value])]
            tensors = [v for v in flat if isinstance(v, torch.Tensor)]
            if hasattr(values[0], "z_p"):
                tensors = [v for v in vars(values[0]).values() if v is not None and v.is_floating_point()]
            seen.setdefault(name, set()).update(tensor.dtype for tensor in tensors)
            result = function(*values)
            seen[name].update(r.dtype for r in (result if isinstance(result, tuple) else (result,)))
            return result

        monkeypatch.setattr(module, name, watch)

    watched(durations, "rational_quadratic_spline")
    watched(losses, "kl")
    watched(losses, "mel")
    spectra = []
    rough.spectra.register_forward_hook(lambda module, inputs, output: spectra.append(output.dtype))
    convolved = []
    rough.generator.enc_q.pre.register_forward_hook(lambda module, inputs, output: convolved.append(output.dtype))
    assert rough.step(batch)
    assert convolved == [torch.bfloat16]  # the half precision is really there
    assert {name: kinds for name, kinds in seen.items()} == {
        "rational_quadratic_spline": {torch.float32},
        "kl": {torch.float32},
        "mel": {torch.float32},
    }
    assert spectra == [torch.float32, torch.float32]
    assert all(value.dtype == torch.float32 for value in rough.generator.state_dict().values())
    moments = rough.generator_optimizer.state.values()
    assert all(moment["exp_avg"].dtype == torch.float32 for moment in moments)


def test_spectra_do_not_depend_on_the_precision(pair):
    rough, _, batch = pair
    with torch.autocast("cpu", torch.bfloat16):
        inside = rough.spectra(batch.audio)
    assert inside.dtype == torch.float32 and torch.equal(inside, rough.spectra(batch.audio))


def test_losses_in_bfloat16_are_those_of_float32_within_its_grain(pair):
    rough, exact, batch = pair
    for trainer in pair[:2]:
        torch.manual_seed(3)
        trainer.told = trainer.step(batch)
    for name in ("mel", "kl", "duration", "adversarial", "feature_matching", "discriminator"):
        assert rough.told[name] == pytest.approx(exact.told[name], rel=0.03), name


def test_half_precision_with_five_bits_of_exponent_is_never_chosen():
    for precision in ("auto", "float32", "bfloat16"):
        config = TrainConfig(precision=precision, device="cpu")
        assert choose_precision(config, choose_device(config)) in (torch.float32, torch.bfloat16)


def test_optimizers_are_those_of_the_configuration(raw_config):
    raw_config["train"] |= {"weight_decay": 0.03, "epsilon": 1e-7, "betas": [0.7, 0.9], "learning_rate": 1e-3}
    raw_config["train"]["discriminator_learning_rate"] = 5e-4
    trainer, _ = trainer_of(parse_config(raw_config))
    for optimizer, rate in ((trainer.generator_optimizer, 1e-3), (trainer.discriminator_optimizer, 5e-4)):
        (group,) = optimizer.param_groups
        assert (group["lr"], group["betas"], group["eps"], group["weight_decay"]) == (rate, (0.7, 0.9), 1e-7, 0.03)


def test_the_loss_is_in_semitones_and_counts_voiced_frames():
    class Heard:
        pitch = torch.tensor([[200.0, 200.0, 200.0, 999.0]])
        mask = torch.tensor([[[1.0, 1.0, 1.0, 0.0]]])

    track = torch.tensor([[[100.0, 200.0, 100.0, 100.0], [1.0, 1.0, 0.0, 1.0]]])
    assert float(losses.pitch(Heard, track)) == pytest.approx((12 * 1 + 0 + 12 * 0.05) / 2.05, rel=1e-5)
