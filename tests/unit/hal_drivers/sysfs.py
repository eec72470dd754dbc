"""A kernel's tree of files, made by hand."""

from __future__ import annotations

from pathlib import Path


class Sysfs:
    """Writes attributes below a folder that stands for /sys."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.supplies = root / "class" / "power_supply"
        self.supplies.mkdir(parents=True)

    def write(self, path: str, text: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n")
        return file

    def supply(self, name: str, **attributes: str) -> None:
        for attribute, value in attributes.items():
            self.write(f"class/power_supply/{name}/{attribute}", value)
