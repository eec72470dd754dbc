"""Render the words that the machine will say, outside of it: espeak-ng takes emulation minutes.

`voice.py <profile> <directory>`; what is there already is kept. Runs in the machine's own tree, with its own voice.
"""

from __future__ import annotations

import sys
from pathlib import Path

from agent.profile import load_profile
from capture.assignment import Assignment, Officer
from capture.settings import CHINA
from capture.shell.wardrobe import VoiceSettings, Wardrobe

OFFICERS = Assignment((Officer("A0001", "甲某"), Officer("A0002", "乙某")))


def main() -> None:
    loaded, directory = load_profile(sys.argv[1]), Path(sys.argv[2])
    wardrobe = Wardrobe(VoiceSettings(directory), loaded.profile.capture, CHINA, loaded.profile.grounds)
    wardrobe.dress(OFFICERS, lambda _done, _total: None)
    wardrobe.undress()


if __name__ == "__main__":
    main()
