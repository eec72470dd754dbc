"""`recorder open`: footage and words of sealed files, for those who hold a recipient's key.

Rules of this module: the back office's side; a unit has no such key and cannot read back what it sealed.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click

from agent.cli.surroundings import Surroundings, json_option, pass_surroundings, print_json, print_table
from agent.cli.verify_command import own_trust, reading_bar
from sealing.keys import load_recipient_key
from sealing.opener import OpenedSession, OpenOptions, open_sealed
from sealing.trust import Trust


@click.command("open")
@click.argument("paths", nargs=-1, required=True, metavar="PATH…", type=click.Path(path_type=Path, exists=True))
@click.option(
    "--trust", "trust_directory", type=click.Path(path_type=Path), help="信任目录 / Folder with agency-ca.pem."
)
@click.option(
    "--key",
    "key_paths",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="接收方私钥 / Private key of a recipient, PEM; one that fits is enough.",
)
@click.option(
    "--out",
    "out_directory",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="输出目录 / Folder for results.",
)
@click.option("--require", type=click.Choice(["evidence"]), help="不接受模拟设备的文件 / Refuse the grade SIMULATED.")
@click.option("--part", is_flag=True, help="仅为链的一部分（如导出片段）/ The files are a part of a chain.")
@click.option("--overwrite", is_flag=True, help="替换已有的会话目录 / Replace sessions that are there already.")
@json_option
@pass_surroundings
def open_files(  # noqa: PLR0913, PLR0917 - each is an option of its own
    surroundings: Surroundings,
    paths: tuple[Path, ...],
    trust_directory: Path | None,
    key_paths: tuple[Path, ...],
    out_directory: Path,
    require: str | None,
    part: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """打开封存文件 / Verify, decrypt, and write an MP4 for each unbroken run and one of each session."""
    trust = Trust.load(trust_directory or own_trust(surroundings))
    keys = [load_recipient_key(path) for path in key_paths]
    options = OpenOptions(require is not None, overwrite, surroundings.language.value, part=part)
    with reading_bar(surroundings.words("打开", "Opening")) as progress:
        sessions = open_sealed(paths, trust, keys, out_directory, options, progress)
    if as_json:
        print_json([_plain(session) for session in sessions])
    else:
        _show(sessions, surroundings)


def _plain(session: OpenedSession) -> dict[str, object]:
    return {
        "session_id": session.session_id,
        "number": session.number,
        "directory": str(session.directory),
        "session_video": None if session.session_video is None else str(session.session_video),
        "events": str(session.events),
        "runs": [{**dataclasses.asdict(run), "path": str(run.path)} for run in session.runs],
    }


def _show(sessions: tuple[OpenedSession, ...], surroundings: Surroundings) -> None:
    words = surroundings.words
    columns = (words("录制", "Session"), words("段", "Run"), words("帧", "Frames"), words("时长（秒）", "Seconds"))
    rows = [
        (str(session.number), str(run.number), str(run.frames), f"{run.seconds:.3f}", str(run.path))
        for session in sessions
        for run in session.runs
    ]
    whole = [
        (str(session.number), "–", "", "", str(session.session_video)) for session in sessions if session.session_video
    ]
    print_table((*columns, words("文件", "File")), [*rows, *whole])
