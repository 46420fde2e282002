"""Admission: who may begin, so that everybody who does is served in time."""

import time

from swaram.server.keys import Holder
from swaram.server.metrics import Metrics
from swaram.server.protocol import RequestError
from swaram.server.settings import ServerSettings

_SMOOTHING = 0.9  # weight of what is known when a new measurement comes
# What these workers cost does not show what other programs, or the listeners' own, take from the processor.
_LEAST_MARGIN = 0.01  # seconds of sound left to a listener when more came: less is nearly an underrun


class Admission:
    """Counts streams and measures what one costs; refuses at once what would come too late.

    A stream that is listened to needs, of every second, as many seconds of a worker as its real-time factor says.
    New ones are refused when the workers would have no reserve left, when the steps that wait already take longer
    than the first sound may, and for a moment after somebody waited that long or nearly ran out of sound.
    """

    def __init__(self, settings: ServerSettings, metrics: Metrics) -> None:
        self._settings, self._metrics = settings, metrics
        self.streams = 0
        self.draining = False
        self.refused = 0
        self._factor = 0.0
        self._step_seconds = 0.0
        self._paused_until = 0.0

    def measure(self, computing: float, audio: float) -> None:
        """Take note of the seconds of computing that some seconds of sound cost."""
        if audio > 0:
            self._factor = (
                _SMOOTHING * self._factor + (1 - _SMOOTHING) * computing / audio if self._factor else computing / audio
            )

    def measure_step(self, stage: str, seconds: float) -> None:
        """Take note of the seconds that one step took."""
        if stage not in ("frontend", "decode"):
            return
        self._step_seconds = _SMOOTHING * self._step_seconds + (1 - _SMOOTHING) * seconds

    def note_start(self, waited: float) -> None:
        """Take note of how many seconds a first sound waited while nothing was computed for it."""
        if waited > self._settings.first_sound_limit:
            self._pause()

    def note_margin(self, left: float) -> None:
        """Take note of how many seconds of sound a listener still had when more was ready."""
        if left < _LEAST_MARGIN:
            self._pause()

    def _pause(self) -> None:
        self._paused_until = time.monotonic() + self._settings.breather

    def capacity(self) -> int:
        """How many streams the workers can keep up with, as far as is known."""
        most = self._settings.max_streams
        if not self._factor:
            return most
        return max(1, min(most, int(self._settings.workers * self._settings.utilisation / self._factor)))

    def first_sound(self, waiting: int) -> float:
        """Seconds after which the first sound of a new listener would be begun, with so many steps waiting."""
        return waiting * self._step_seconds / self._settings.workers

    def admit(self, holder: Holder, characters: int, waiting: int) -> None:
        """Raise RequestError, with the seconds after which to try again, unless a request may begin."""
        if self.draining:
            raise self._refuse("restarting", "The server is about to restart; connect again in a moment.", 2.0)
        limit = holder.grant.streams
        if limit is not None and holder.streams >= limit:
            raise self._refuse(
                "too_many_streams", f"This key may have {limit} streams at once; wait for one to end.", 1.0
            )
        if self.streams >= self.capacity():
            self.refused += 1
            raise self._refuse("overloaded", "The server has as many listeners as it can serve; try again soon.", 2.0)
        late = self.first_sound(waiting) > self._settings.first_sound_limit
        if late or (self.streams and time.monotonic() < self._paused_until):
            self.refused += 1
            raise self._refuse("overloaded", "The first sound would come too late now; try again soon.", 1.0)
        self.take(holder, characters)

    def take(self, holder: Holder, characters: int) -> None:
        """Count characters against a key. Raises RequestError when there were too many in the last minute."""
        wait = holder.take(characters)
        if wait > 0:
            limit = holder.grant.characters_per_minute
            raise self._refuse("rate", f"This key may send {limit} characters a minute; wait a little.", round(wait, 1))

    def enter(self, holder: Holder) -> float:
        """Count a stream; return the moment."""
        self.streams += 1
        holder.streams += 1
        self._metrics.streams.set(self.streams)
        return time.monotonic()

    def leave(self, holder: Holder) -> None:
        """Count a stream out."""
        self.streams -= 1
        holder.streams -= 1
        self._metrics.streams.set(self.streams)

    def _refuse(self, code: str, sentence: str, retry_after: float) -> RequestError:
        self._metrics.rejected.labels(code).inc()
        return RequestError(code, sentence, retry_after)
