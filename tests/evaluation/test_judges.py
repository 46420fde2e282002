"""Other judges: commands, transformers; and languages without a recogniser."""

import numpy as np
import pytest

from swaram.alignment.sounds import in_sounds
from swaram.evaluation.errors import EvaluationError, NotMeasured
from swaram.evaluation.intelligibility import align
from swaram.evaluation.judges import CommandJudge, open_judge
from tests.recorded_speech import spoken_clips

SOUND = np.sin(np.arange(16_000) / 20).astype(np.float32) * 0.1


def script(folder, text: str) -> str:
    path = folder / "judge"
    path.write_text("#!/bin/sh\n" + text, encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def test_a_command_gets_a_wav_and_its_output_is_what_was_heard(tmp_path):
    command = script(tmp_path, 'head -c 4 "$1"; echo " മഴ"\n')
    heard = open_judge(f"command:{command}", "ml").listen(SOUND, 16_000, ("മഴ",))
    assert heard.transcript == "RIFF മഴ" and heard.costs is None


def test_a_command_may_say_where_the_path_goes(tmp_path):
    command = script(tmp_path, 'echo "$2" "$3"; test -s "$1"\n')
    assert CommandJudge(f"{command} {{}} --language 'ml ml'").listen(SOUND, 16_000).transcript == "--language ml ml"


@pytest.mark.parametrize(
    ("text", "said"),
    [("echo broken. >&2; exit 4\n", "ended with status 4: broken."), ("kill -9 $$\n", "ended with status -9")],
)
def test_a_command_that_fails_is_one_sentence(tmp_path, text, said):
    with pytest.raises(EvaluationError, match=said):
        CommandJudge(script(tmp_path, text)).listen(SOUND, 16_000)


def test_a_command_that_hangs_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr("swaram.evaluation.judges.COMMAND_SECONDS", 0.3)
    with pytest.raises(EvaluationError, match=r"took more than 0\.3 s"):
        CommandJudge(script(tmp_path, "exec sleep 60\n")).listen(SOUND, 16_000)


@pytest.mark.parametrize("command", ["command:", "command:'a", "command:/nowhere/judge"])
def test_a_command_that_cannot_be_run_is_one_sentence(command):
    with pytest.raises(EvaluationError, match=r"^The judge's command .*\.$"):
        open_judge(command, "ml").listen(SOUND, 16_000)


def test_a_language_without_a_recogniser_is_not_measured_rather_than_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv("SWARAM_RECOGNIZERS", str(tmp_path))
    with pytest.raises(NotMeasured, match="--judge"):
        open_judge(None, "ta")


def test_a_transformers_pipeline_can_judge(tmp_path):
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    import json

    (tmp_path / "vocab.json").write_text(json.dumps({"<pad>": 0, "<unk>": 1, "|": 2, "മ": 3, "ഴ": 4}))
    tokenizer = transformers.Wav2Vec2CTCTokenizer(
        str(tmp_path / "vocab.json"), pad_token="<pad>", unk_token="<unk>", word_delimiter_token="|"
    )
    transformers.Wav2Vec2Processor(transformers.Wav2Vec2FeatureExtractor(), tokenizer).save_pretrained(tmp_path / "m")
    settings = transformers.Wav2Vec2Config(
        vocab_size=5, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        conv_dim=(8, 8), conv_kernel=(10, 8), conv_stride=(20, 16), num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2, num_feat_extract_layers=2,
    )  # fmt: skip
    model = transformers.Wav2Vec2ForCTC(settings)
    model.lm_head.weight.data.zero_()
    model.lm_head.bias.data[:] = model.lm_head.bias.new_tensor([0, 0, 0, 9, 0])
    model.save_pretrained(tmp_path / "m")
    assert open_judge(f"transformers:{tmp_path / 'm'}", "ml").listen(SOUND, 16_000).transcript == "മ"


def test_what_transformers_cannot_load_is_one_sentence(tmp_path):
    pytest.importorskip("transformers", reason="transformers is not installed")
    with pytest.raises(EvaluationError, match="cannot load it as speech recognition"):
        open_judge(f"transformers:{tmp_path}", "ml")


def test_a_language_without_a_recogniser_is_heard_in_sounds_by_that_of_another():
    judge = open_judge(None, "kn")
    assert judge.description["kind"] == "sounds"
    clip = max(spoken_clips(), key=lambda clip: len(clip.text))
    heard = judge.listen(clip.audio, clip.rate)
    own, other = in_sounds(clip.text.replace(".", "")), in_sounds("ಇದು ಬೇರೆ ವಾಕ್ಯ ಇಲ್ಲಿ ಏನೂ ಇಲ್ಲ")
    assert heard.costs is None
    assert align(own, heard.transcript).edits / len(own) < 0.6 < align(other, heard.transcript).edits / len(other)


@pytest.mark.parametrize("language", ["ur", "sat", "en-IN"])
def test_a_script_of_another_family_is_not_judged_by_sounds(language):
    with pytest.raises(NotMeasured, match="no recogniser for"):
        open_judge(None, language)
