"""``POST /v1/audio/transcriptions``: OpenAI's own client, every format, and limits as everywhere else."""

import http.server
import json
import threading
from pathlib import Path

import httpx
import pytest

from swaram.audio.resample import resample
from swaram.recognition.error_rates import error_rate
from swaram.recognition.errors import RecognizerError
from swaram.server.keys import add_key
from tests.recognition.toy import toy_recognizer
from tests.recorded_speech import file_bytes, spoken_clips
from tests.server.speech_client import running, speak

openai = pytest.importorskip("openai", reason="the package openai is not installed")
PATH = "/v1/audio/transcriptions"


@pytest.fixture(scope="module")
def package() -> Path:
    return toy_recognizer().package


@pytest.fixture(scope="module")
def listening(toy_voices, package):
    """A server with the toy recogniser."""
    with running(toy_voices, recognizers=package.parent, max_transcription_seconds=20.0) as server:
        yield server


@pytest.fixture(scope="module")
def client(listening):
    with openai.OpenAI(base_url=f"{listening.address}/v1", api_key="none", max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def said() -> tuple[str, bytes]:
    """A sentence that the toy knows, and its recording as WebM with Opus."""
    clip = toy_recognizer().selection.train[1]
    return clip.text, file_bytes(resample(clip.audio(16_000), 16_000, 48_000), 48_000, "webm")


def post(server, content: bytes = b"", **fields) -> httpx.Response:
    files = {"file": ("speech.webm", content)} if content else {"nothing": ("x", b"x")}
    return httpx.post(f"{server.address}{PATH}", data={"model": "swaram"} | fields, files=files, timeout=30)


def test_openais_client_gets_the_text(client, said):
    heard = client.audio.transcriptions.create(model="whisper-1", file=("a.webm", said[1]), language="ml")
    assert error_rate([said[0]], [heard.text]) < 0.2


def test_openais_client_gets_words_and_lines_with_times(client, said):
    heard = client.audio.transcriptions.create(
        model="swaram",
        file=("a.webm", said[1]),
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
        temperature=0,
        prompt="",
    )
    assert error_rate([said[0]], [heard.text]) < 0.2
    assert heard.text == " ".join(word.word for word in heard.words)
    assert heard.language == "malayalam" and heard.segments[0].start == heard.words[0].start
    ends = [0.0] + [word.end for word in heard.words]
    assert all(end <= word.start for end, word in zip(ends, heard.words, strict=False))
    assert ends[-1] <= heard.duration


@pytest.mark.parametrize(("form", "begins"), [("srt", "1\n00:00:0"), ("vtt", "WEBVTT\n\n00:00:0")])
def test_captions(client, said, form, begins):
    text = client.audio.transcriptions.create(model="swaram", file=("a.webm", said[1]), response_format=form)
    assert text.startswith(begins) and " --> " in text and said[0].split()[1][:3] in text


def test_plain_text(listening, said):
    answer = post(listening, said[1], response_format="text")
    assert error_rate([said[0] + "\n"], [answer.text]) < 0.2 and answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("content", "fields", "status", "code"),
    [
        (b"", {}, 400, "no_file"),
        (b"not a sound", {}, 415, "bad_audio"),
        (None, {"language": "ta"}, 404, "no_recognizer"),
        (None, {"response_format": "docx"}, 422, "bad_parameter"),
        (None, {"stream": "true", "response_format": "srt"}, 422, "bad_parameter"),
        (None, {"stream": "perhaps"}, 422, "bad_parameter"),
        (None, {"timestamp_granularities[]": "word"}, 422, "bad_parameter"),
        (None, {"model": "davinci"}, 404, "model_not_found"),
        (None, {"include[]": "logprobs"}, 422, "bad_parameter"),
        (None, {"timestamp_granularities[]": "letter"}, 422, "bad_parameter"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(listening, said, content, fields, status, code):
    answer = post(listening, said[1] if content is None else content, **fields)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code)
    assert error["message"].endswith(".") and "\n" not in error["message"]


def test_a_recording_beyond_the_limit_is_refused_before_it_is_decoded_whole(listening):
    clip = spoken_clips()[0]
    long = file_bytes(resample(clip.audio, clip.rate, 48_000).repeat(12)[: 48_000 * 30], 48_000, "webm")
    answer = post(listening, long)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_long")


def test_an_upload_beyond_the_limit_is_refused(toy_voices, package, said):
    with running(toy_voices, recognizers=package.parent, max_transcription_bytes=1000) as server:
        answer = post(server, said[1] + bytes(200_000))
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


def test_a_playlist_leads_nowhere(listening):
    """A file that names other files must not make the server fetch them."""
    asked: list[str] = []

    class Trap(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None: ...

    trap = http.server.HTTPServer(("127.0.0.1", 0), Trap)
    threading.Thread(target=trap.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{trap.server_port}/a.ts"
        body = f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{address}\n#EXT-X-ENDLIST\n"
        assert post(listening, body.encode()).status_code == 415
        assert post(listening, b"ffconcat version 1.0\nfile /etc/hostname\n").status_code == 415
        assert asked == []
    finally:
        trap.shutdown()


def test_openais_client_reads_the_text_as_it_is_written_down(client, listening, said):
    whole = client.audio.transcriptions.create(model="gpt-4o-transcribe", file=("a.webm", said[1]))
    with client.audio.transcriptions.create(model="gpt-4o-transcribe", file=("a.webm", said[1]), stream=True) as heard:
        events = list(heard)
    assert [event.type for event in events] == ["transcript.text.delta", "transcript.text.done"]
    assert events[-1].text == whole.text == "".join(event.delta for event in events[:-1])
    assert whole.usage.type == "duration" and whole.usage.seconds >= 1
    assert not listening.service.keys.everybody.streams


def test_a_long_recording_comes_in_parts_whose_sum_is_the_whole(listening, said, monkeypatch):
    monkeypatch.setattr("swaram.recognition.recognizer.STRETCH_SECONDS", 1.0)
    monkeypatch.setattr("swaram.recognition.recognizer.CUT_SECONDS", 0.5)
    whole = post(listening, said[1]).json()["text"]
    events = post(listening, said[1], stream="true").text.strip().split("\n\n")
    told = [json.loads(event.removeprefix("data: ")) for event in events]
    assert len(told) > 2 and told[-1]["text"] == whole == "".join(event["delta"] for event in told[:-1])


def test_a_fault_in_the_middle_is_told_to_openais_client(client, said, monkeypatch):
    def broken(*_):
        raise RecognizerError("secret")
        yield

    monkeypatch.setattr("swaram.recognition.recognizer.Recognizer.listen", broken)
    with pytest.raises(openai.APIError, match="cannot be used"):
        list(client.audio.transcriptions.create(model="swaram", file=("a.webm", said[1]), stream=True))


def test_without_a_recogniser_the_address_says_so(toy_voices, said, tmp_path):
    with running(toy_voices, recognizers=tmp_path) as server:
        answer = post(server, said[1])
        assert answer.status_code == 501
        assert answer.json()["error"]["message"] == "This server has no recogniser, so it cannot write speech down."


def test_keys_are_asked_for_and_limit_what_is_written_down(toy_voices, package, said, tmp_path):
    keys = tmp_path / "keys.json"
    key = add_key(keys, "tester")
    granted = json.loads(keys.read_text())
    granted["keys"][0]["characters_per_minute"] = 40
    keys.write_text(json.dumps(granted))
    with running(toy_voices, recognizers=package.parent, keys=keys) as server:
        assert post(server, said[1]).status_code == 401
        url, files = f"{server.address}{PATH}", {"file": ("a.webm", said[1])}
        with httpx.Client(headers={"Authorization": f"Bearer {key}"}, timeout=30) as client:
            answers = [client.post(url, files=files) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 429]
        assert int(answers[1].headers["Retry-After"]) >= 1


def test_speech_goes_on_while_recordings_are_written_down(listening, said):
    answers: list[int] = []
    writers = [threading.Thread(target=lambda: answers.append(post(listening, said[1]).status_code)) for _ in range(3)]
    for writer in writers:
        writer.start()
    heard = speak(listening)
    for writer in writers:
        writer.join(30)
    assert heard.done["samples"] > 0 and answers == [200, 200, 200]
    page = httpx.get(f"{listening.address}/metrics").text
    assert 'stt_requests_total{outcome="done"}' in page and said[0] not in page


def test_a_damaged_recogniser_does_not_stop_the_server_from_speaking(toy_voices, package, tmp_path, said):
    folder = Path(tmp_path / "ml")
    folder.mkdir()
    for file in package.iterdir():
        (folder / file.name).write_bytes(file.read_bytes() if file.suffix != ".onnx" else b"x")
    with running(toy_voices, recognizers=tmp_path) as server:
        answer = post(server, said[1])
        assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal")
        assert speak(server).done["samples"] > 0
