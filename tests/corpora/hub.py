"""A stand-in for a hub and an archive, on loopback."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

COMMIT = "a" * 40


class StandIn(BaseHTTPRequestHandler):
    """Serves ``files``; ``cuts`` says after how many bytes the first answers of a file break off."""

    protocol_version = "HTTP/1.1"
    files: dict[str, bytes]
    cuts: dict[str, list[int]]
    seen: list[tuple[str, str, str, str]]
    gated = False
    repository = ""

    def log_message(self, *_args):
        pass

    def do_HEAD(self):
        self.answer(body=False)

    def do_GET(self):
        self.answer(body=True)

    def answer(self, body):
        path = self.path.split("?")[0]
        self.seen.append((self.command, path, self.headers.get("Range", ""), self.headers.get("Authorization", "")))
        if self.gated and self.headers.get("Authorization") != "Bearer right":
            self.reply(403, b"", {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access is restricted"}, body)
        elif path.startswith(f"/api/datasets/{self.repository}/revision/") and self.repository:
            siblings = [{"rfilename": name} for name in self.files]
            about = {"id": self.repository, "sha": COMMIT, "siblings": siblings, "private": False, "tags": []}
            self.reply(200, json.dumps(about).encode(), {"Content-Type": "application/json"}, body)
        elif path.startswith(f"/api/datasets/{self.repository}/tree/") and self.repository:
            tree = [{"type": "file", "path": n, "size": len(c), "oid": "0" * 40} for n, c in self.files.items()]
            self.reply(200, json.dumps(tree).encode(), {"Content-Type": "application/json"}, body)
        else:
            name = next((n for n in self.files if path.endswith(f"/{n}")), "")
            if name:
                self.send_file(name, body)
            else:
                self.reply(404, b"", {"X-Error-Code": "EntryNotFound"}, body)

    def send_file(self, name, body):
        content, start, status = self.files[name], 0, 200
        if self.headers.get("Range", "").startswith("bytes="):
            start = int(self.headers["Range"][6:].split("-")[0])
            status = 206
            if start >= len(content):
                return self.reply(416, b"", {"Content-Range": f"bytes */{len(content)}"}, body)
        headers = {
            "ETag": f'"{hashlib.sha256(content).hexdigest()}"',
            "X-Repo-Commit": COMMIT,
            "Accept-Ranges": "bytes",
        }
        if status == 206:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        cut = self.cuts[name].pop(0) if body and self.cuts.get(name) else None
        self.reply(status, content[start:], headers, body, cut)

    def reply(self, status, content, headers, body, cut=None):
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content[:cut])
        if cut is not None:
            self.close_connection = True


@pytest.fixture
def stand_in(monkeypatch, tmp_path):
    """Start stand-ins; what they saw is in ``handler.seen``."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setenv("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    servers = []

    def start(files, cuts=None, gated=False, repository=""):
        facts = {"files": files, "cuts": cuts or {}, "seen": [], "gated": gated, "repository": repository}
        handler = type("Handler", (StandIn,), facts)
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}", handler

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
