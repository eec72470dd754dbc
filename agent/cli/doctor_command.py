"""`recorder doctor`: every part of the unit tried by use.

Rules of this module: opens the hardware as the agent would and gives it back; needs the agent stopped, because two
cannot have one camera. Exits 1 when a part failed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Final

import click

from agent.assembly import check_writable
from agent.cli.surroundings import (
    MESSAGES,
    Surroundings,
    json_option,
    pass_surroundings,
    print_json,
    print_table,
)
from agent.config import AgentConfig, UnitPaths
from agent.doctor import Wishes, examine
from agent.doctor_links import try_key, try_store
from agent.doctor_medium import WRITE_SECONDS
from agent.doctor_page import OUTCOMES, page, remedy_of
from agent.doctor_values import PARTS, Diagnosis
from agent.exit_codes import NOT_INTACT
from agent.lock import only_agent
from agent.provisioning import UnitFolders
from hal.ports import Hardware
from hal.registry import load_driver_set
from sync.durable import write_file

_REPORT_VERSION: Final = 1
_WRITE_SECONDS_MAX: Final = 3600


@click.command()
@json_option
@click.option(
    "--html",
    "html_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="另存为网页（含画面）/ Also a page with the picture.",
)
@click.option(
    "--write-seconds",
    type=click.IntRange(1, _WRITE_SECONDS_MAX),
    default=WRITE_SECONDS,
    show_default=True,
    help="存储写入测试的秒数 / Seconds of recording to write to the medium.",
)
@click.option("--buttons", "press_buttons", is_flag=True, help="逐个按键测试 / Ask for every button to be pressed.")
@pass_surroundings
@click.pass_context
def doctor(
    context: click.Context,
    surroundings: Surroundings,
    as_json: bool,
    html_path: Path | None,
    write_seconds: int,
    press_buttons: bool,
) -> None:
    """体检：逐一试用各部件 / Try every part by using it; stop recorder-agent first. Exits 1 when one failed."""
    config = surroundings.config()
    diagnosis = _examined(surroundings, config, Wishes(write_seconds, press_buttons))
    if html_path is not None:
        write_file(html_path, page(diagnosis, surroundings.words).encode(), 0o640)
    if as_json:
        print_json(_as_table(diagnosis, surroundings))
    else:
        _print(diagnosis, surroundings)
    if diagnosis.broken:
        context.exit(NOT_INTACT)


def _examined(surroundings: Surroundings, config: AgentConfig, wishes: Wishes) -> Diagnosis:
    paths = UnitPaths(config)
    folders = UnitFolders(paths.keys, paths.certificates)
    device_id = config.unit.device_id

    def progress(part: str) -> None:
        _, is_press, button = part.partition("press:")
        if is_press:
            MESSAGES.print(surroundings.words(f"请按 {button} 键", f"Press the {button} button"))
        else:
            MESSAGES.print(surroundings.words(*PARTS[part]))

    check_writable(paths.state)
    with only_agent(paths.state), _opened(config, paths.spool) as hardware, hardware.clock.participate():
        return examine(
            hardware,
            device_id,
            wishes,
            lambda: try_key(folders, device_id, config.keys),
            lambda: try_store(config),
            progress,
        )


@contextmanager
def _opened(config: AgentConfig, spool: Path) -> Iterator[Hardware]:
    drivers = load_driver_set(config.hal.driver_set)
    try:
        yield drivers.open(dict(config.hal.options), str(spool))
    finally:
        drivers.close()


def _as_table(diagnosis: Diagnosis, surroundings: Surroundings) -> dict[str, object]:
    parts = [
        {
            "part": found.part,
            "outcome": found.outcome.value,
            "figure": found.figure,
            "remedy": remedy_of(found, surroundings.words) or None,
        }
        for found in diagnosis.findings
    ]
    return {
        "doctor_version": _REPORT_VERSION,
        "device_id": diagnosis.device_id,
        "driver_set": diagnosis.driver_set,
        "broken": list(diagnosis.broken),
        "parts": parts,
        "battery_curve": [asdict(point) for point in diagnosis.battery_curve],
    }


def _print(diagnosis: Diagnosis, surroundings: Surroundings) -> None:
    words = surroundings.words
    columns = (words("部件", "Part"), words("结果", "Result"), words("实测", "Figure"), words("处理", "Remedy"))
    rows = [
        (words(*PARTS[found.part]), words(*OUTCOMES[found.outcome]), found.figure, remedy_of(found, words))
        for found in diagnosis.findings
    ]
    print_table(columns, rows)
