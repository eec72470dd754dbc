"""`recorder verify`: judge sealed files and show what they tell, on any desk.

Rules of this module: reads the sealed files and the trust folder; writes only the files that it is told to.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from agent.cli.surroundings import MESSAGES, Surroundings, json_option, pass_surroundings
from agent.errors import ConfigError
from sealing.errors import SealingError
from sealing.keys import load_recipient_key
from sealing.picture import render_picture
from sealing.report import ChainError, NotEvidenceError, Report
from sealing.timeline import render_timeline
from sealing.trust import Trust
from sealing.verifier import Asked, verify_chain
from sealing.verifier import Progress as ReadingProgress

_EVIDENCE: Final = "evidence"


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH…", type=click.Path(path_type=Path, exists=True))
@click.option(
    "--trust",
    "trust_directory",
    type=click.Path(path_type=Path),
    help="信任目录：agency-ca.pem 等 / Folder "
    "with agency-ca.pem and, where there is a store, store-receipt.pem. [the unit's own]",
)
@click.option(
    "--require", type=click.Choice([_EVIDENCE]), help="不接受模拟设备的文件 / Refuse files of the grade SIMULATED."
)
@click.option(
    "--key",
    "key_paths",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="接收方私钥：逐条试解密 / Private key of a recipient, PEM: what is inside is judged, too.",
)
@click.option(
    "--part", is_flag=True, help="仅为链的一部分（如导出片段）/ The files are a part of a chain: say which, PARTIAL."
)
@click.option(
    "--every-signature",
    is_flag=True,
    help="逐条验签，较慢 / Check each record's own signature, also where a later one vouches for it; slower.",
)
@json_option
@click.option(
    "--timeline", "timeline_path", type=click.Path(path_type=Path, dir_okay=False), help="时间线文本 / Text to write."
)
@click.option(
    "--svg", "picture_path", type=click.Path(path_type=Path, dir_okay=False), help="时间线图 / Timeline as a picture."
)
@pass_surroundings
def verify(  # noqa: PLR0913, PLR0917 - one parameter for each option
    surroundings: Surroundings,
    paths: tuple[Path, ...],
    trust_directory: Path | None,
    require: str | None,
    key_paths: tuple[Path, ...],
    part: bool,
    every_signature: bool,
    as_json: bool,
    timeline_path: Path | None,
    picture_path: Path | None,
) -> None:
    """核验封存文件 / Verify sealed files: PATH is one file, or a folder of *.evs files.

    Exits 0 when the chain is intact, 1 when it is not, 3 when it is intact and no evidence was found though it was
    required, 65 when nothing there is a sealed file.
    """
    trust = Trust.load(trust_directory or own_trust(surroundings))
    asked = Asked(part, tuple(load_recipient_key(path) for path in key_paths), every_signature)
    with reading_bar(surroundings.words("核验", "Verifying")) as progress:
        report, failure = _verified(paths, trust, require == _EVIDENCE, progress, asked)
    text = render_timeline(report, surroundings.language.value)
    if timeline_path is not None:
        timeline_path.write_text(text, encoding="utf-8")
    if picture_path is not None:
        picture_path.write_text(render_picture(report, surroundings.language.value), encoding="utf-8")
    click.echo(report.to_json() if as_json else text, nl=False)
    if failure is not None:
        raise failure


def own_trust(surroundings: Surroundings) -> Path:
    """Folder of the unit's own certificates.

    Raises:
        ConfigError: This machine is no unit; the message says what to give instead.
    """
    try:
        return surroundings.paths().certificates
    except ConfigError as error:
        raise ConfigError(f"no trust was given and this is no configured unit; add --trust FOLDER ({error})") from error


@contextmanager
def reading_bar(title: str) -> Iterator[ReadingProgress | None]:
    """A progress bar on stderr at a terminal, nothing elsewhere."""
    if not MESSAGES.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=MESSAGES, transient=True) as bar:
        task = bar.add_task(title)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _verified(
    paths: tuple[Path, ...], trust: Trust, require_evidence: bool, progress: ReadingProgress | None, asked: Asked
) -> tuple[Report, SealingError | None]:
    """The report, which is shown whatever it says, and what makes the command fail."""
    try:
        return verify_chain(paths, trust, require_evidence, progress, asked), None
    except (ChainError, NotEvidenceError) as error:
        return error.report, error
