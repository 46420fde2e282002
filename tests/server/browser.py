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

    def __init__(self, *arguments: str) -> None:
        self._arguments = arguments
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
                f"--user-data-dir={self._home.name}/profile", "--disable-background-networking", "--lang=en",
                *self._arguments,
            ],
        }  # fmt: skip
        logs = {"browser": "ALL"}
        wanted = {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": logs}}
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
            assert time.monotonic() < deadline, (
                f"{condition} did not become true: {self.run('return {...window.swaram, takes: 0}')}"
            )
            time.sleep(0.05)
        return value

    def keys(self, text: str) -> None:
        """Press keys, one after the other, where the focus is; WebDriver's code points for Escape and the like."""
        actions = [{"type": kind, "value": key} for key in text for kind in ("keyDown", "keyUp")]
        wanted = {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]}
        self._client.post(self._session + "/actions", json=wanted).raise_for_status()

    def choose_file(self, selector: str, path: Path) -> None:
        """Put a file into an input."""
        wanted = {"using": "css selector", "value": selector}
        found = self._client.post(self._session + "/element", json=wanted).json()["value"]
        (element,) = found.values()
        self._client.post(f"{self._session}/element/{element}/value", json={"text": str(path)}).raise_for_status()

    def resize(self, width: int, height: int = 1000) -> None:
        """Show pages in so many pixels, as a phone of that width would."""
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )

    def command(self, name: str, **parameters: Any) -> Any:
        """A command of the DevTools protocol."""
        wanted = {"cmd": name, "params": parameters}
        answer = self._client.post(self._session + "/goog/cdp/execute", json=wanted).json()["value"]
        assert not (isinstance(answer, dict) and "error" in answer), answer
        return answer

    def logged(self) -> list[str]:
        """What the browser has complained about since the last time."""
        entries = self._client.post(self._session + "/se/log", json={"type": "browser"}).json()["value"]
        return [entry["message"] for entry in entries if entry["level"] in ("SEVERE", "WARNING")]

    def screenshot(self, path: Path) -> None:
        """The window as a PNG."""
        answer = self._client.get(self._session + "/screenshot").json()["value"]
        path.write_bytes(base64.b64decode(answer))
