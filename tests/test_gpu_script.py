"""benchmarks/gpu.sh in small: a corpus is packed and trained on, and the tests of a GPU walk its way on a CPU."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile
from benchmarks import gpu, gpu_pack

from swaram.prepare.manifest import Clip, read_manifest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory) -> Path:
    """Six recordings, packed as Opus and unpacked again."""
    folder = tmp_path_factory.mktemp("packed")
    recordings = sorted((ROOT / "tests" / "recordings").glob("*.flac"))[:6]
    clips = [
        Clip(
            path,
            "അമ്മ വന്നു.",
            "abc"[number % 3],
            split="val" if number == 5 else "train",
            name=f"audio_files/{path.name}",
        )
        for number, path in enumerate(recordings)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gpu_pack, "read_manifest", lambda *_: clips)
        gpu_pack.pack_data(folder, folder / "data.tar", 20_000)
    gpu.unpack(folder / "data.tar", folder / "data", 16_000)
    return folder / "data"


def test_what_is_unpacked_is_what_was_packed(unpacked):
    clips = read_manifest(unpacked, ("speaker",))
    assert [clip.speaker for clip in clips] == ["a", "b", "c", "a", "b", "c"]
    assert all(soundfile.info(clip.path).samplerate == 16_000 for clip in clips)
    rows = (unpacked / "train_metadata.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 5 and rows[0].endswith("|അമ്മ വന്നു.")
    original = soundfile.info(sorted((ROOT / "tests" / "recordings").glob("*.flac"))[0])
    assert soundfile.info(clips[0].path).duration == pytest.approx(original.duration, abs=0.05)


def test_training_goes_on_from_the_weights_and_leaves_a_slim_result(unpacked, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    gpu.train(unpacked, "cpu", 1.0, out, tmp_path / "run")
    files = list((out / "weights").iterdir())
    assert len(files) <= 5 and all(file.stat().st_size < 16 << 20 for file in files)
    assert json.loads((out / "weights" / "state.json").read_text(encoding="utf-8"))["step"] >= 1
    assert (out / "losses.jsonl").stat().st_size > 100


@pytest.mark.timeout(1300)
@pytest.mark.skipif(not os.environ.get("SWARAM_SOAK"), reason="takes minutes on a CPU: set SWARAM_SOAK=1")
def test_the_tests_of_a_gpu_pass_on_a_cpu_by_the_operations_of_a_gpu():
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "cuda", "--confcutdir", "tests/cuda", "tests/cuda"]
    environment = os.environ | {"SWARAM_TEST_DEVICE": "cpu", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1200
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert "passed" in done.stdout and "failed" not in done.stdout


def test_wheels_that_travel_are_pinned_ones():
    pinned = (ROOT / "requirements.txt").read_text(encoding="utf-8").lower().replace("_", "-")
    for name in gpu_pack.WHEELS:
        assert f"\n{name.lower().replace('_', '-')}==" in pinned
