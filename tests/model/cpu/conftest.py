"""Every test from the same random state, and a switch to what the operations replace."""

import pytest
import torch

from tests.model.cpu.gradients import learnt


@pytest.fixture
def plainly(monkeypatch):
    """Run something as it is exported: by the layers themselves."""

    def run(*arguments):
        with monkeypatch.context() as patch:
            patch.setattr(torch.jit, "is_tracing", lambda: True)
            return learnt(*arguments)

    return run


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)
