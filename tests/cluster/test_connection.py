"""Addresses, and nodes that would not do what this machine does: one sentence before work begins."""

import socket
import sys
from dataclasses import replace

import pytest

from swaram.cli.main import main, with_address
from swaram.cluster.connection import NodeFacts, compare_nodes, describe_node, parse_address
from swaram.cluster.connection import _fault as fault_of
from swaram.cluster.connection import _probe as probe
from swaram.cluster.connection import _refusal as refusal
from swaram.cluster.errors import ClusterError

OWN = NodeFacts("this machine", "3.11.9", "0.2.0", "abc", ("malayalam",))
NODE = replace(OWN, name="10.0.0.7 (1f)")


@pytest.mark.parametrize("text", ["auto", "local", "head:6379", "ray://10.1.2.3:10001", "[fd00::1]:6379"])
def test_an_address_is_understood(text):
    assert parse_address(text).text == text


@pytest.mark.parametrize("text", ["", "head", "head:", "head:0", "head:70000", "http://head:6379", "a b:6379"])
def test_what_is_no_address_is_refused_with_the_forms_that_are(text):
    with pytest.raises(ClusterError, match="write --cluster auto, local, HOST:PORT or ray://HOST:PORT"):
        parse_address(text)


def test_an_address_that_does_not_answer_is_a_sentence():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(ClusterError, match=rf"127.0.0.1:{port}: no cluster answers there \(connection refused\)"):
        probe(parse_address(f"127.0.0.1:{port}"))


def test_versions_that_differ_are_a_sentence():
    said = "Version mismatch: The cluster was started with:\n    Ray: 2.59.0\n    Python: 3.12.1\nThis process on node"
    assert refusal(parse_address("head:6379"), said) == (
        "head:6379: the cluster runs other versions than this machine (Ray 2.59.0, Python 3.12.1); "
        "install the same on both."
    )


@pytest.mark.parametrize(
    ("node", "sentence"),
    [
        (replace(NODE, python="3.12.1"), "has Python 3.12.1, this machine 3.11.9"),
        (replace(NODE, swaram="0.1.0"), "has swaram 0.1.0, this machine 0.2.0"),
        (replace(NODE, front_end="other"), "reads text by other rules"),
        (replace(NODE, voices=("tamil",)), r"has no voice malayalam \(it has: tamil\)"),
        (replace(NODE, voices=()), r"has no voice malayalam \(it has: none\)"),
    ],
)
def test_a_node_that_differs_is_named_with_what_differs(node, sentence):
    with pytest.raises(ClusterError, match=sentence):
        compare_nodes(OWN, [NODE, node])


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (
            ImportError("No module named 'swaram'"),
            "cannot run swaram (No module named 'swaram'); install it there.",
        ),
        (TimeoutError(), "does not answer within 120 s."),
        (RuntimeError("the disk is full.\nmore"), "cannot work (the disk is full)."),
    ],
)
def test_a_node_that_cannot_work_is_a_sentence(fault, sentence):
    assert fault_of(fault) == sentence


def test_nodes_alike_are_taken():
    compare_nodes(OWN, [NODE, replace(NODE, python="3.11.2", voices=("malayalam", "tamil"))])


def test_this_machine_describes_itself(toy_folder):
    facts = describe_node(str(toy_folder), with_voices=True)
    assert facts.voices == ("toy",) and facts.python.startswith(f"{sys.version_info[0]}.{sys.version_info[1]}")
    assert len(facts.front_end) == 64
    assert describe_node(None, with_voices=False).voices is None


@pytest.mark.parametrize(
    ("given", "understood"),
    [
        (["train", "--cluster"], ["train", "--cluster", "auto"]),
        (["--cluster", "--resume"], ["--cluster", "auto", "--resume"]),
        (["--cluster", "head:6379", "--resume"], ["--cluster", "head:6379", "--resume"]),
        (["--cluster=local", "x"], ["--cluster=local", "x"]),
        ([], []),
    ],
)
def test_the_address_may_be_left_out(given, understood):
    assert with_address(given) == understood


@pytest.mark.parametrize(
    "command",
    [
        ["prepare", "ljspeech", "corpus", "--out", "data"],
        ["train", "-c", "config.json"],
        ["serve"],
        ["evaluate", "a", "b"],
    ],
)
def test_every_command_says_what_an_address_is(command, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(SystemExit):
        main([*command, "--cluster", "nowhere"])
    told = capsys.readouterr().err
    assert "'nowhere' is no address of a cluster" in told and "Traceback" not in told


def test_without_ray_it_says_how_to_install_it(capsys, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SystemExit):
        main(["prepare", "ljspeech", str(tmp_path), "--out", str(tmp_path / "data"), "--cluster", "local"])
    told = capsys.readouterr().err
    assert "needs ray, which is not installed: pip install" in told and "cluster" in told
