"""espeak-ng from the wheel `espeakng-loader`, as a program of its own: `python -m capture.voice.espeak_worker`.

Rules of this module: it takes the options of espeak-ng that the synthesiser uses, so that it can stand in for the
program where no package of the system brings it (extra `espeak`). It runs as its own process and nothing imports it:
the library is GPL-3.0 and stays outside ours.
"""

from __future__ import annotations

import argparse
import ctypes
import sys
import wave

_RATE, _PITCH = 1, 3
_SYNCHRONOUS = 2
_UTF8, _SSML = 1, 0x10
_UTF8_MODE, _SPOKEN_MODE = 1, 0
_OK = 0
_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class _Library:
    """The few functions of libespeak-ng that are needed."""

    def __init__(self) -> None:
        import espeakng_loader  # noqa: PLC0415 - only where the extra is installed

        self._functions = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        self.rate_hz = int(self._functions.espeak_Initialize(_SYNCHRONOUS, 0, data, 0))
        self._functions.espeak_Info.restype = ctypes.c_char_p
        self._functions.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._sound = bytearray()
        self._callback = _Callback(self._take)
        self._functions.espeak_SetSynthCallback(self._callback)

    def version(self) -> str:
        """Version of the library."""
        text = self._functions.espeak_Info(None)
        return f"eSpeak NG (library) {bytes(text).decode()}"

    def use(self, voice: str, words_per_minute: int, pitch: int) -> None:
        """Choose voice, speed and pitch."""
        if self._functions.espeak_SetVoiceByName(voice.encode()) != _OK:
            raise SystemExit(f"no voice {voice!r} in espeakng-loader: install it again")
        self._functions.espeak_SetParameter(_RATE, words_per_minute, 0)
        self._functions.espeak_SetParameter(_PITCH, pitch, 0)

    def speak(self, text: str) -> bytes:
        """Speak marked-up text; s16le mono."""
        data = text.encode()
        flags = _UTF8 | _SSML
        if self._functions.espeak_Synth(data, len(data) + 1, 0, 0, 0, flags, None, None) != _OK:
            raise SystemExit("espeak-ng refused the text")
        self._functions.espeak_Synchronize()
        return bytes(self._sound)

    def phonemes(self, text: str) -> str:
        """Say how the text would be spoken."""
        buffer = ctypes.c_char_p(text.encode())
        pointer = ctypes.cast(ctypes.pointer(buffer), ctypes.POINTER(ctypes.c_void_p))
        parts: list[str] = []
        while pointer.contents.value:
            part = self._functions.espeak_TextToPhonemes(pointer, _UTF8_MODE, _SPOKEN_MODE)
            parts.append(bytes(part).decode())
        return "\n".join(parts)

    def _take(self, samples: ctypes._Pointer[ctypes.c_short], count: int, _events: int | None) -> int:
        if count > 0:
            self._sound += ctypes.string_at(samples, count * 2)
        return 0


def main() -> None:
    """Do what the options ask, as espeak-ng does it."""
    options = _options()
    library = _Library()
    if options.version:
        sys.stdout.write(f"{library.version()}\n")
        return
    library.use(options.voice, options.speed, options.pitch)
    text = sys.stdin.buffer.read().decode()
    if options.phonemes:
        sys.stdout.write(library.phonemes(text) + "\n")
        return
    with wave.open(options.wave, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(library.rate_hz)
        file.writeframes(library.speak(text))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="espeak_worker", description="espeak-ng from the wheel espeakng-loader")
    parser.add_argument("--version", action="store_true")
    parser.add_argument("--stdin", action="store_true")
    parser.add_argument("-v", dest="voice", default="en")
    parser.add_argument("-s", dest="speed", type=int, default=160)
    parser.add_argument("-p", dest="pitch", type=int, default=50)
    parser.add_argument("-w", dest="wave", default="/dev/null")
    parser.add_argument("-q", dest="quiet", action="store_true")
    parser.add_argument("-m", dest="markup", action="store_true")
    parser.add_argument("-x", dest="phonemes", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
