"""A small model learns four real utterances by heart: the whole way from audio to losses can learn."""

import numpy as np
import pytest
import soundfile

from swaram.audio.resample import resample
from swaram.config.config import parse_config
from swaram.languages import get_language
from swaram.text.frontend import TextFrontend
from swaram.training import checkpoints
from swaram.training.loop import Limits, train
from tests.recorded_speech import spoken_clips
from tests.training.runs import logged

UTTERANCES = 4


@pytest.fixture
def real(raw_config, corpus):
    """Five utterances of real speech in place of the murmurs, as preparation would leave them."""
    frontend, rows = TextFrontend(get_language("ml")), []
    for number, clip in enumerate(spoken_clips()):
        text = " ".join(sentence.text for sentence in frontend.analyse(clip.text).sentences)
        audio = resample(clip.audio, clip.rate, 16000)
        if text and len(rows) < UTTERANCES + 1:
            soundfile.write(corpus / "audio_files" / f"real-{number}.flac", audio, 16000, subtype="PCM_16")
            rows.append(f"audio_files/real-{number}.flac|{text}")
    (corpus / "train_metadata.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    raw_config["train"] |= {"learning_rate": 2e-3, "ema_decay": 0.9, "validation_steps": 45, "precision": "auto"}
    raw_config["model"] |= {"hidden_channels": 32, "latent_channels": 16}
    raw_config["model"]["decoder"] = {"type": "vocos", "channels": 32, "blocks": 2}
    return raw_config


def test_four_real_utterances_are_learnt(real):
    folder = train(parse_config(real), limits=Limits(max_steps=45), overfit=UTTERANCES)
    assert folder.parent.name == "logs-overfit-4"
    info = checkpoints.read_info(folder)
    (validation,) = logged(folder.parent, "validation")
    first = np.mean([row["mel"] for row in logged(folder.parent)[:3]])
    # Nats a band: 1.5 in the first three steps; 60 steps reached 0.82 when this was written.
    assert validation["mel"] < min(1.0, 0.7 * first)
    assert info.best_mel == pytest.approx(validation["mel"], abs=1e-6)
