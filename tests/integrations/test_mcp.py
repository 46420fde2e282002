"""The Model Context Protocol server, asked by the official client as an assistant would."""

import json
import sys
from pathlib import Path

import anyio
import pytest
import soundfile

from swaram.recognition.error_rates import error_rate
from tests.conftest import SHIPPED
from tests.recorded_speech import file_bytes, spoken_clips
from tests.server.speech_client import TEXT

pytest.importorskip("mcp", reason="the package mcp is not installed")

from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

SRC = Path(__file__).resolve().parents[2] / "src"


def asked(folder: Path, voices: Path, *calls: tuple[str, dict]) -> list:
    """Results of calls to a server that runs as a process of its own."""
    environment = {
        "SWARAM_VOICES": str(voices),
        "SWARAM_RECOGNIZERS": str(SHIPPED.parent / "recognizers"),
        "PYTHONPATH": str(SRC),
    }
    arguments = ["-m", "swaram", "mcp", "--folder", str(folder), "--voice", "toy"]
    parameters = StdioServerParameters(command=sys.executable, args=arguments, env=environment)
    results: list = []

    async def run() -> None:
        async with Client(stdio_client(parameters)) as client:
            results.append([tool.name for tool in (await client.list_tools()).tools])
            for name, given in calls:
                results.append(await client.call_tool(name, given))

    anyio.run(run)
    return results


def told(result) -> dict:
    return result.structured_content or json.loads(result.content[0].text)


def test_an_assistant_speaks_lists_and_writes_down(tmp_path, toy_folder):
    clip = spoken_clips()[1]
    (tmp_path / "said.wav").write_bytes(file_bytes(clip.audio, clip.rate, "wav"))
    tools, voices, spoken, heard = asked(
        tmp_path,
        toy_folder,
        ("list_voices", {}),
        ("speak", {"text": TEXT, "file": "out.wav", "speaker": "speaker-1"}),
        ("transcribe", {"file": "said.wav", "language": "ml"}),
    )
    assert tools == ["list_voices", "speak", "transcribe"]
    voice = next(voice for voice in told(voices)["result"] if voice["name"] == "toy")
    assert voice["name"] == "toy" and voice["languages"] == ["ml"] and voice["speakers"] == ["speaker-0", "speaker-1"]
    sound = soundfile.info(tmp_path / "out.wav")
    assert told(spoken)["seconds"] == pytest.approx(sound.duration, abs=0.01)
    assert error_rate([clip.text], [told(heard)["text"]]) < 0.2 and told(heard)["words"][0]["start"] >= 0


REFUSED = [
    ("speak", {"text": TEXT, "file": "../out.wav"}, "files lie in"),
    ("speak", {"text": TEXT, "speaker": "nobody"}, "no such speaker"),
    ("speak", {"text": "", "file": "a.wav"}, "empty"),
    ("speak", {"text": TEXT, "file": "a.xyz"}, "xyz"),
    ("transcribe", {"file": "/etc/hostname"}, "files lie in"),
    ("transcribe", {"file": "nothing.wav"}, "nothing.wav"),
]


def test_what_cannot_be_done_is_said_in_one_sentence(tmp_path, toy_folder):
    results = asked(tmp_path, toy_folder, *[(name, given) for name, given, _ in REFUSED])[1:]
    for result, (_, _, words) in zip(results, REFUSED, strict=True):
        told = result.content[0].text
        assert result.is_error and words in told and "Traceback" not in told
    assert list(tmp_path.iterdir()) == []
