"""The parts of the toy recogniser, each by name."""

from pathlib import Path

import pytest

from swaram.recognition.dataset import Selection
from swaram.recognition.training import Trainer
from tests.recognition.toy import toy_recognizer


@pytest.fixture(scope="session")
def data() -> Path:
    return toy_recognizer().data


@pytest.fixture(scope="session")
def selection() -> Selection:
    return toy_recognizer().selection


@pytest.fixture(scope="session")
def learnt() -> Trainer:
    """A training run that has come to its end."""
    return toy_recognizer().trainer


@pytest.fixture(scope="session")
def package() -> Path:
    return toy_recognizer().package
