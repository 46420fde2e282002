"""A progress bar with rate and time left on a terminal, and silence anywhere else."""

import contextlib
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def progress_bar(total: Callable[[], int | None]) -> Iterator[Callable[[int, float], None]]:
    """Give a function to call with (clips, seconds of audio) done since the last call.

    ``total`` is asked only where the bar is shown. The bar goes to standard error.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda clips, seconds: None
        return
    columns = (
        TextColumn("preparing"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=total(), rate="")
        done = 0.0

        def advance(clips: int, seconds: float) -> None:
            nonlocal done
            done += seconds
            elapsed = progress.tasks[task].elapsed or 0.0
            rate = f"{done / elapsed:.0f}x real time" if elapsed > 1 and done else ""
            progress.update(task, advance=clips, rate=rate)

        yield advance
