"""Answers that are errors."""


class HttpError(Exception):
    """An answer that is an error: status, code and one sentence."""

    def __init__(self, status: int, code: str, sentence: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status, self.code, self.sentence, self.headers = status, code, sentence, headers
