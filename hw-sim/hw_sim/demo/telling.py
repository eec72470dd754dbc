"""What the demo shows while it works: step lines with their times, what happens in the world, bars, the last table.

Rules of this module: words and numbers only; nothing is decided by what is shown. Chinese and English stand side by
side, or English alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Table
from rich.text import Text

from hw_sim.demo.rules import Language
from hw_sim.pacer import real_ns

_NS = 1_000_000_000
_PIPE_COLUMNS = 120
_WIDE_COLUMNS = 132


@dataclass(frozen=True, slots=True)
class Both:
    """Words in both languages."""

    zh: str
    en: str


class Telling:
    """Writes to one console.

    Args:
        language: zh shows Chinese and English, en English alone.
        console: Where to; the standard output by default.
    """

    def __init__(self, language: Language, console: Console | None = None) -> None:
        self._language = language
        self.console = console or Console(highlight=False)
        if not self.console.is_terminal:
            self.console = console or Console(highlight=False, width=_PIPE_COLUMNS)
        elif self.console.width > _WIDE_COLUMNS:
            self.console.width = _WIDE_COLUMNS
        self._begun_ns = real_ns()

    @property
    def seconds(self) -> float:
        """Real time since the demo began."""
        return (real_ns() - self._begun_ns) / _NS

    def words(self, both: Both) -> str:
        """Words as this reader wants them."""
        return both.en if self._language == "en" else f"{both.zh} · {both.en}"

    def short(self, both: Both) -> str:
        """Words where there is room for one language only."""
        return both.en if self._language == "en" else both.zh

    def title(self, both: Both, detail: str) -> None:
        """The first line."""
        self._line(Text.assemble((self.words(both), "bold"), ("   " + detail, "dim")))
        self._line(Text("─" * self.console.width, "dim"))

    @contextmanager
    def step(self, both: Both) -> Iterator[Step]:
        """One step of the day; its line appears when it is done, with the time that it took."""
        step, begun = Step(both), self.seconds
        if self.console.is_terminal:
            with self.console.status(self.words(both) + " …", spinner="dots"):
                yield step
        else:
            yield step
        self.done(step.both, step.detail, self.seconds - begun)

    def done(self, both: Both, detail: str, seconds: float | None = None) -> None:
        """A step's line."""
        time = "" if seconds is None else f"{seconds:6.1f} s"
        left = Text.assemble(("✓ ", "green"), self.words(both), ("  " + detail if detail else "", "dim"))
        room = self.console.width - len(time) - 1
        left.truncate(room, overflow="ellipsis", pad=True)
        self._line(Text.assemble(left, " ", (time, "dim")))

    def refusal(self, both: Both, detail: str) -> None:
        """Something was refused, as it should be."""
        self._line(Text.assemble(("✓ ", "green"), self.words(both), ("  " + detail, "dim")))

    def wrong(self, both: Both, detail: str) -> None:
        """Something is not as it should be."""
        self._line(Text.assemble(("✗ ", "bold red"), (self.words(both), "red"), "  " + detail))

    def happening(self, time: str, sign: str, style: str, what: str) -> None:
        """A line of the day: what a bystander perceives."""
        line = Text.assemble((f"    {time}  ", "dim"), (sign + " ", style), what)
        line.truncate(self.console.width, overflow="ellipsis")
        self._line(line)

    @contextmanager
    def bar(self, both: Both) -> Iterator[Callable[[float, str], None]]:
        """A progress bar at a terminal, nothing elsewhere; gives what takes the share that is done, and words."""
        if not self.console.is_terminal:
            yield lambda _share, _detail: None
            return
        columns = (TextColumn("  {task.description}"), BarColumn(36), TextColumn("{task.fields[detail]}"))
        with Progress(*columns, console=self.console, transient=True) as progress:
            task = progress.add_task(self.words(both), total=1.0, detail="")
            yield lambda share, detail: _move(progress, task, share, detail)

    def table(self, title: Both, columns: Sequence[Both], rows: Sequence[Sequence[str | Text]]) -> None:
        """A table."""
        names = [each.en if self._language == "en" else f"{each.zh} {each.en}".strip() for each in columns]
        table = Table(*names, title=self.words(title), title_justify="left", title_style="bold", header_style="dim")
        for row in rows:
            table.add_row(*row)
        self.console.print()
        self.console.print(table)

    def say(self, text: str) -> None:
        """A plain line."""
        self._line(Text(text))

    def _line(self, text: Text) -> None:
        self.console.print(text, soft_wrap=True)


@dataclass(slots=True)
class Step:
    """A step that goes on; what came of it may be told."""

    both: Both
    detail: str = ""


def _move(progress: Progress, task: TaskID, share: float, detail: str) -> None:
    progress.update(task, completed=min(share, 1.0), detail=detail)
