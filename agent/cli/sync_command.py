"""`recorder sync`: how far the upload is, by what recorder-sync says of itself in the run directory.

Rules of this module: reads one small file and prints; sending is the service's matter.
"""

from __future__ import annotations

import click

from agent.cli.surroundings import Surroundings, json_option, pass_surroundings, print_json, print_pairs
from agent.errors import ControlError
from sync.unit.config import PROGRESS_NAME, SyncPaths
from sync.unit.progress_file import Progress, read_progress
from sync.unit.reports import EVENT_WORDS
from sync.unit_main import watch_service

_MIB = 1024 * 1024


@click.command()
@click.option("--watch", is_flag=True, help="持续显示，直到中断 / Show it as it goes on, until interrupted.")
@json_option
@pass_surroundings
def sync(surroundings: Surroundings, watch: bool, as_json: bool) -> None:
    """上传进度 / How far the upload is."""
    paths = surroundings.paths()
    if watch:
        watch_service(SyncPaths(paths.state, paths.run), bar=not as_json)
        return
    progress = read_progress(paths.run / PROGRESS_NAME)
    if progress is None:
        raise ControlError(f"{paths.run / PROGRESS_NAME}: recorder-sync has said nothing yet; is it running?")
    if as_json:
        print_json({**progress.model_dump(exclude_none=True), "all_uploaded": progress.all_uploaded})
    else:
        print_pairs(_rows(progress, surroundings))


def _rows(progress: Progress, surroundings: Surroundings) -> list[tuple[str, str]]:
    words = surroundings.words
    done = progress.event in {"idle", "done"} and not progress.all_uploaded
    state = "部分文件未获回执 some files have no receipt" if done else EVENT_WORDS.get(progress.event, progress.event)
    found = [(words("状态", "State"), state)]
    if progress.file is not None:
        found.append((words("文件", "File"), f"{progress.file:08d}"))
    if progress.bytes_left is not None and not progress.all_uploaded:
        left = f"{progress.files_left or 0} · {progress.bytes_left / _MIB:.1f} MiB"
        found.append((words("剩余", "Left"), left))
    if progress.receipted_to is not None:
        found.append((words("已有回执至", "Receipted to"), f"{progress.receipted_to:08d}"))
    if progress.reason is not None:
        found.append((words("说明", "Remark"), progress.reason))
    return found
