"""Mandarin by people: what officers say of a break, put together from syllables that two people recorded.

Debian's `gcin-voice` holds 1,200 syllables by a man (GPL-3 or LGPL-3) and 1,158 by a woman (CC BY 3.0), each spoken by
itself. So the voices, sounds and tones are real; what lies between two syllables, and a sentence's melody, is not. The
woman's syllables are short: she says «换电池» in 0.6 s, as somebody in a hurry does; the man takes 1 s.
Nothing was tuned on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from capture.voice.samples import ANALYSIS_RATE_HZ, Samples
from tests.bench.recordings import read_compressed, unpacked

PACKAGE = "gcin-voice"
SPEAKERS = {"man": "3.ogg", "woman": "5.ogg"}
FEW_WORDS = {
    "没电了": "ㄇㄟ2 ㄉㄧㄢ4 ㄌㄜ1",
    "换电池": "ㄏㄨㄢ4 ㄉㄧㄢ4 ㄔ2",
    "下雨了": "ㄒㄧㄚ4 ㄩ3 ㄌㄜ1",
    "更换电池": "ㄍㄥ ㄏㄨㄢ4 ㄉㄧㄢ4 ㄔ2",
    "换了地方": "ㄏㄨㄢ4 ㄌㄜ1 ㄉㄧ4 ㄈㄤ",
    "机器死机": "ㄐㄧ ㄑㄧ4 ㄙ3 ㄐㄧ",
    "电池没电了": "ㄉㄧㄢ4 ㄔ2 ㄇㄟ2 ㄉㄧㄢ4 ㄌㄜ1",
    "存储卡满了": "ㄘㄨㄣ2 ㄔㄨ2 ㄎㄚ3 ㄇㄢ3 ㄌㄜ1",
    "摄像头故障": "ㄕㄜ4 ㄒㄧㄤ4 ㄊㄡ2 ㄍㄨ4 ㄓㄤ4",
    "当事人阻挠": "ㄉㄤ ㄕ4 ㄖㄣ2 ㄗㄨ3 ㄋㄠ2",
    "换一个地方": "ㄏㄨㄢ4 ㄧ2 ㄍㄜ4 ㄉㄧ4 ㄈㄤ",
    "设备自动关机": "ㄕㄜ4 ㄅㄟ4 ㄗ4 ㄉㄨㄥ4 ㄍㄨㄢ ㄐㄧ",
}
"""Three to six syllables, and which."""
SENTENCES = {
    "设备自动关机，现在恢复录制": "ㄕㄜ4 ㄅㄟ4 ㄗ4 ㄉㄨㄥ4 ㄍㄨㄢ ㄐㄧ, ㄒㄧㄢ4 ㄗㄞ4 ㄏㄨㄟ ㄈㄨ4 ㄌㄨ4 ㄓ4",
    "电池没电了，刚刚更换了电池": "ㄉㄧㄢ4 ㄔ2 ㄇㄟ2 ㄉㄧㄢ4 ㄌㄜ1, ㄍㄤ ㄍㄤ ㄍㄥ ㄏㄨㄢ4 ㄌㄜ1 ㄉㄧㄢ4 ㄔ2",
    "因为存储卡已满，更换之后恢复录制": (
        "ㄧㄣ ㄨㄟ4 ㄘㄨㄣ2 ㄔㄨ2 ㄎㄚ3 ㄧ2 ㄇㄢ3, ㄍㄥ ㄏㄨㄢ4 ㄓ ㄏㄡ4 ㄏㄨㄟ ㄈㄨ4 ㄌㄨ4 ㄓ4"
    ),
    "刚才下雨，摄像头打湿了": "ㄍㄤ ㄘㄞ2 ㄒㄧㄚ4 ㄩ3, ㄕㄜ4 ㄒㄧㄤ4 ㄊㄡ2 ㄉㄚ3 ㄕ ㄌㄜ1",
}
PAUSE_SECONDS = 0.3
OVERLAP_SECONDS = 0.03
QUIET_BELOW_LOUDEST_DB = 25.0
"""What lies so far below a syllable's loudest moment, at its ends, is the silence in which it was recorded."""
_LEVEL_SECONDS = 0.01


def said(speaker: str, phrases: dict[str, str]) -> list[Samples]:
    """What one of the two people says, phrase by phrase, 16 kHz.

    Raises:
        NoRecordingsError: The package could not be fetched.
    """
    root = unpacked(PACKAGE) / "usr" / "share" / "gcin-voice" / "ogg"
    return [_phrase(root, SPEAKERS[speaker], spelled) for spelled in phrases.values()]


def _phrase(root: Path, file: str, spelled: str) -> Samples:
    pause = np.zeros(round(PAUSE_SECONDS * ANALYSIS_RATE_HZ), dtype=np.float32)
    clauses = [
        joined([trimmed(read_compressed(root / syllable / file)) for syllable in clause.split()])
        for clause in spelled.split(",")
    ]
    parts = [part for clause in clauses for part in (pause, clause)]
    return np.concatenate(parts[1:])


def trimmed(syllable: Samples) -> Samples:
    """A syllable without the silence before and behind it."""
    width = round(_LEVEL_SECONDS * ANALYSIS_RATE_HZ)
    power = np.convolve(np.square(syllable), np.ones(width) / width, "same")
    heard = np.flatnonzero(power > power.max() * 10 ** (-QUIET_BELOW_LOUDEST_DB / 10))
    return syllable[heard[0] : heard[-1] + 1]


def joined(syllables: Sequence[Samples]) -> Samples:
    """One behind the other, each fading into the next."""
    overlap = round(OVERLAP_SECONDS * ANALYSIS_RATE_HZ)
    sound = np.zeros(sum(one.size - overlap for one in syllables) + overlap)
    at = 0
    for one in syllables:
        fade = np.minimum(1.0, np.minimum(np.arange(one.size), np.arange(one.size)[::-1]) / overlap)
        sound[at : at + one.size] += one * fade
        at += one.size - overlap
    return sound.astype(np.float32)
