"""What a browser shows: the page, the operator's page, the description of the interface, and the files they consist of.

Everything comes from this package, nothing from elsewhere, and the policy lets browsers hold us to that.
"""

import hashlib
from pathlib import Path

from fastapi import FastAPI, Request
from starlette.responses import Response

from swaram.server.errors import HttpError

FOLDER = Path(__file__).parent / "page"
DOCUMENTS = {"/": "index.html", "/operate": "operate.html", "/docs": "docs.html"}
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".tsv": "text/tab-separated-values; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self' ws: wss:; "
    "img-src 'self' blob:; media-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # A browser asks each time whether what it holds is still right, so that an update is seen at once.
    "Cache-Control": "no-cache",
}


class Files:
    """The files of the page, read once: which there are, and with which tag."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._files: dict[str, tuple[bytes, str, str]] = {}
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix in _TYPES:
                content = path.read_bytes()
                tag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
                self._files[path.relative_to(folder).as_posix()] = (content, _TYPES[path.suffix], tag)

    def answer(self, name: str, request: Request) -> Response:
        """A file, or 304 where the browser has it already. Raises HttpError 404."""
        if name not in self._files:
            raise HttpError(404, "http_404", "There is nothing at this address.")
        content, kind, tag = self._files[name]
        headers = _HEADERS | {"ETag": tag}
        if tag in [known.strip().removeprefix("W/") for known in request.headers.get("if-none-match", "").split(",")]:
            return Response(status_code=304, headers=headers)
        return Response(content, media_type=kind, headers=headers)


def add_pages(app: FastAPI) -> None:
    """Add ``/``, ``/operate``, ``/docs`` and ``/page/...`` to an application."""
    files = Files()

    def add(path: str, name: str) -> None:
        @app.get(path, include_in_schema=False, name=name)
        async def document(request: Request) -> Response:
            return files.answer(name, request)

    for path, name in DOCUMENTS.items():
        add(path, name)

    @app.get("/page/{name:path}", include_in_schema=False)
    async def file(name: str, request: Request) -> Response:
        return files.answer(name, request)
