"""TLS: the WebSocket and the page over an encrypted connection, and files that cannot be used."""

import shutil
import ssl
import subprocess

import httpx
import pytest

from swaram.server.run import ServerError, make_server
from swaram.server.settings import ServerSettings
from tests.server.speech_client import listen_until, running, say, speak

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="the program openssl makes the certificate")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", key, "-out", certificate,
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


def test_speech_comes_over_wss_and_is_the_same(server, toy_voices, files):
    trusting = ssl.create_default_context(cafile=files[0])
    with running(toy_voices, tls_certificate=files[0], tls_key=files[1]) as secure:
        assert secure.address.startswith("https://")
        with secure.websocket(ssl=trusting) as socket:
            assert socket.socket.version() in ("TLSv1.2", "TLSv1.3")
            say(socket, type="start", text="അമ്മ വന്നു.", pace=False)
            heard = listen_until(socket, "done", "error")
        assert heard.file == speak(server, "അമ്മ വന്നു.").file
        assert httpx.get(secure.address + "/healthz", verify=trusting, trust_env=False).json()["status"] == "ok"
        with pytest.raises(ssl.SSLCertVerificationError), secure.websocket(ssl=ssl.create_default_context()):
            pass


@pytest.mark.parametrize("wrong", ["no certificate", "absent", "not PEM", "another's key", "passphrase"])
def test_unusable_files_are_one_sentence(toy_voices, files, tmp_path, wrong):
    certificate, key = files
    other = tmp_path / "other.pem"
    if wrong == "no certificate":
        certificate = None
    elif wrong == "absent":
        certificate = other
    elif wrong == "not PEM":
        other.write_text("no key")
        key = other
    elif wrong == "another's key":
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", other], check=True, capture_output=True)
        key = other
    else:
        command = ["openssl", "pkey", "-in", key, "-aes256", "-passout", "pass:secret", "-out", other]
        subprocess.run(command, check=True, capture_output=True)
        key = other
    with pytest.raises(ServerError, match=r"^[^\n]+\.$"):
        make_server(ServerSettings(voices=toy_voices, workers=1, tls_certificate=certificate, tls_key=key))
