"""A voice from a stranger: models that would read other files, run forever or fill the memory are not loaded."""

import hashlib
import json
import shutil
import struct
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from swaram.runtime.errors import ModelError
from swaram.runtime.rules import check_model
from swaram.voice.errors import VoiceError
from swaram.voice.voice import Voice


@pytest.fixture
def package(toy_folder, tmp_path) -> Path:
    """A copy of the toy voice to damage, beside its decoder as it was."""
    shutil.copy(toy_folder / "toy" / "decoder.onnx", tmp_path / "sound.onnx")
    return Path(shutil.copytree(toy_folder / "toy", tmp_path / "copy"))


def put_decoder(package: Path, model: bytes) -> Path:
    """The model as the voice's decoder, with a right checksum: a stranger can compute one too."""
    (package / "decoder.onnx").write_bytes(model)
    manifest = json.loads((package / "voice.json").read_text())
    manifest["files"]["decoder.onnx"] = {"sha256": hashlib.sha256(model).hexdigest(), "bytes": len(model)}
    (package / "voice.json").write_text(json.dumps(manifest))
    return package


def decoder_with(package: Path, change) -> bytes:
    model = onnx.load(package.parent / "sound.onnx")
    change(model)
    return model.SerializeToString()


def refusal(package: Path, model: bytes) -> str:
    with pytest.raises(VoiceError) as error:
        Voice.open(put_decoder(package, model))
    sentence = str(error.value)
    assert "decoder.onnx" in sentence and "\n" not in sentence and len(sentence) < 400
    return sentence


def test_weights_outside_of_the_file_are_refused(package, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(4 * 24))

    def point_outside(model):
        weight = model.graph.initializer[0]
        weight.ClearField("raw_data")
        weight.data_location = TensorProto.EXTERNAL
        entry = weight.external_data.add()
        entry.key, entry.value = "location", "../secret"

    assert "outside of the file" in refusal(package, decoder_with(package, point_outside))


def test_weights_outside_are_refused_inside_of_nodes_too(package):
    def hide(model):
        tensor = numpy_helper.from_array(np.zeros(3, np.float32), "hidden")
        tensor.ClearField("raw_data")
        tensor.external_data.add().key = "location"
        branch = helper.make_graph([helper.make_node("Constant", [], ["x"], value=tensor)], "branch", [], [])
        condition = helper.make_node("Constant", [], ["yes"], value=numpy_helper.from_array(np.array(True)))
        model.graph.node.extend([condition, helper.make_node("If", ["yes"], [], then_branch=branch)])

    assert "outside of the file" in refusal(package, decoder_with(package, hide))


@pytest.mark.parametrize("operator", ["Loop", "Scan", "SequenceConstruct", "StringConcat", "Bogus\x1b[2J"])
def test_operators_that_no_voice_needs_are_refused(package, operator):
    def add(model):
        model.graph.node.append(helper.make_node(operator, ["latent"], ["surplus"]))

    sentence = refusal(package, decoder_with(package, add))
    assert repr(operator) in sentence and "\x1b" not in sentence


def test_operators_of_other_domains_and_functions_are_refused(package):
    def foreign(model):
        model.graph.node.append(helper.make_node("Run", ["latent"], ["surplus"], domain="com.evil"))

    assert "'com.evil'" in refusal(package, decoder_with(package, foreign))

    def wanted(model):
        model.opset_import.append(helper.make_opsetid("com.evil", 1))

    assert "'com.evil'" in refusal(package, decoder_with(package, wanted))

    def function(model):
        opsets = [helper.make_opsetid("", 17)]
        model.functions.append(helper.make_function("mine", "F", ["a"], ["a"], [], opsets))

    assert "functions" in refusal(package, decoder_with(package, function))


def test_weights_that_claim_more_than_they_hold_are_refused(package):
    def claim(model):
        model.graph.initializer[0].dims[0] = 1 << 20

    assert "and holds" in refusal(package, decoder_with(package, claim))

    def claim_much(model):
        model.graph.initializer[0].dims[0] = 1 << 40

    assert "no voice has" in refusal(package, decoder_with(package, claim_much))


@pytest.mark.parametrize("operator", ["ConstantOfShape", "Expand", "Tile"])
def test_operations_that_ask_for_absurd_sizes_are_refused(package, operator):
    def ask(model):
        model.graph.initializer.append(numpy_helper.from_array(np.array([1 << 20, 1 << 20], np.int64), "enormous"))
        inputs = ["enormous"] if operator == "ConstantOfShape" else ["latent", "enormous"]
        model.graph.node.append(helper.make_node(operator, inputs, ["surplus"]))

    assert f"asks {operator} for 1048576 × 1048576" in refusal(package, decoder_with(package, ask))


def test_padding_and_noise_of_absurd_sizes_are_refused(package):
    def pad(model):
        next(node for node in model.graph.node if node.op_type == "Conv").attribute[0].ints[0] = 1 << 33

    assert "larger than any voice's" in refusal(package, decoder_with(package, pad))

    def noise(model):
        model.graph.node.append(helper.make_node("RandomNormal", [], ["surplus"], shape=[1 << 30, 4]))

    assert "asks RandomNormal" in refusal(package, decoder_with(package, noise))

    def count(model):
        limits = [numpy_helper.from_array(np.array(v, np.int64), n) for n, v in (("a", 0), ("b", 1 << 40), ("c", 1))]
        model.graph.initializer.extend(limits)
        model.graph.node.append(helper.make_node("Range", ["a", "b", "c"], ["surplus"]))

    assert "asks Range for 1099511627776" in refusal(package, decoder_with(package, count))

    def declare(model):
        model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 1 << 50

    assert "declares a shape" in refusal(package, decoder_with(package, declare))


def test_graphs_nested_without_end_are_refused():
    graph = helper.make_graph([helper.make_node("Identity", ["a"], ["b"])], "g", [], [])
    for _ in range(12):
        graph = helper.make_graph([helper.make_node("If", ["a"], ["b"], then_branch=graph)], "g", [], [])
    model = helper.make_model(graph).SerializeToString()
    with pytest.raises(ModelError, match="nested too deeply"):
        check_model("voice", "decoder.onnx", model)


def test_any_damage_is_one_sentence_and_never_a_crash(toy_folder):
    model = (toy_folder / "toy" / "decoder.onnx").read_bytes()
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        content = bytearray(model)
        place = int(random.integers(0, 400))
        content[place] ^= int(random.integers(1, 256))
        content = content[: int(random.integers(1, len(content) + 1))]
        try:
            check_model("voice", "decoder.onnx", bytes(content))
        except ModelError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 200
    for content in (b"", b"\x00", b"\xff" * 100, struct.pack("<Q", 1 << 63), b"\x3a\xff\xff\xff\xff\x0f"):
        with pytest.raises(ModelError, match="not an ONNX model"):
            check_model("voice", "decoder.onnx", content)


def test_the_shipped_voices_models_pass(shipped):
    for name, model in (("frontend", shipped.voice.package.frontend), ("decoder", shipped.voice.package.decoder)):
        check_model("voice", name, model)


def test_a_zip_with_a_wrong_compressed_stream_or_a_password_is_refused(package, tmp_path):
    archive = tmp_path / "voice.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for entry in package.iterdir():
            file.write(entry, entry.name)
        place = file.getinfo("decoder.onnx").header_offset + 200
    content = bytearray(archive.read_bytes())
    content[place : place + 64] = b"\xff" * 64
    (tmp_path / "torn.zip").write_bytes(content)
    with pytest.raises(VoiceError, match=r"torn\.zip"):
        Voice.open(tmp_path / "torn.zip")
    content = bytearray(archive.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = 0
        while (start := content.find(signature, start)) >= 0:
            content[start + offset] |= 1
            start += 4
    (tmp_path / "locked.zip").write_bytes(content)
    with pytest.raises(VoiceError, match="encrypted"):
        Voice.open(tmp_path / "locked.zip")
