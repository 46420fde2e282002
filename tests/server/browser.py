"""A headless Chromium driven over the WebDriver protocol, without further packages."""

import base64
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

PROGRAMS = ("chromium", "chromedriver")


def missing_programs() -> str:
    """The programs that are not installed, or an empty string."""
    return ", ".join(program for program in PROGRAMS if shutil.which(program) is None)


class Browser:
    """One browser with one window; use it as a context manager."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self._home = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        environment = os.environ | {"HOME": self._home.name}
        self._driver = subprocess.Popen(
            ["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
        )
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False)
        self._session = ""

    def __enter__(self) -> "Browser":
        for _ in range(200):
            try:
                if self._client.get("/status").json()["value"]["ready"]:
                    break
            except httpx.TransportError:
                time.sleep(0.05)
        options = {
            "binary": shutil.which("chromium"),
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                "--autoplay-policy=no-user-gesture-required", "--window-size=1000,1000",
                f"--user-data-dir={self._home.name}/profile", "--disable-background-networking",
            ],
        }  # fmt: skip
        wanted = {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}
        answer = self._client.post("/session", json={"capabilities": wanted}).json()["value"]
        self._session = f"/session/{answer['sessionId']}"
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._session:
                self._client.delete(self._session)
        finally:
            self._driver.terminate()
            self._driver.wait(20)
            self._client.close()
            self._home.cleanup()

    def open(self, address: str) -> None:
        """Load a page."""
        self._client.post(self._session + "/url", json={"url": address}).raise_for_status()

    def run(self, script: str) -> Any:
        """What the script returns."""
        answer = self._client.post(self._session + "/execute/sync", json={"script": script, "args": []}).json()["value"]
        assert not (isinstance(answer, dict) and "error" in answer and "stacktrace" in answer), answer
        return answer

    def wait_for(self, condition: str, seconds: float = 20) -> Any:
        """The condition's value once it is true."""
        deadline = time.monotonic() + seconds
        while not (value := self.run(f"return {condition}")):
            assert time.monotonic() < deadline, f"{condition} did not become true: {self.run('return window.swaram')}"
            time.sleep(0.05)
        return value

    def screenshot(self, path: Path) -> None:
        """The window as a PNG."""
        answer = self._client.get(self._session + "/screenshot").json()["value"]
        path.write_bytes(base64.b64decode(answer))
