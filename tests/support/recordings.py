"""A whole recording, made by the real writer: what readers, verifier, timeline and picture are tried on."""

import shutil
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from sealing import records as r
from sealing.records import StateSnapshot
from sealing.references import RecordReference
from sealing.trust import Trust
from sealing.writer import ChainWriter
from tests.support.chains import agency, snapshot, start_writer
from tests.support.clocks import ManualClock

SESSION = b"session-00000001"
SECOND_SESSION = b"session-00000002"
NS = 1_000_000_000


def trust() -> Trust:
    """Trust in the agency of the tests."""
    return Trust((agency().certificate(),))


@dataclass
class Scene:
    """A unit on its way through sessions; its methods do what capture does, in the order of the chain."""

    writer: ChainWriter
    clock: ManualClock
    session: bytes = SESSION
    number: int = 1
    zero_ns: int = 0
    next_frame: int = 0
    next_sample: int = 0
    run: int = 0
    run_file: int = 0
    breaks: int = 0
    fragment_bytes: int = 3_000
    before_notice: bool = True

    def media_ns(self) -> int:
        """Session time now."""
        return self.clock.now.boottime_ns - self.zero_ns

    def state(self, state: str = "recording") -> StateSnapshot:
        base = replace(snapshot(self.clock.now.boot_id, state), officer_ids=("PF-0001", "PF-0002"))
        return replace(
            base,
            checkout_sequence=3,
            session_id=self.session,
            session_number=self.number,
            run=self.run,
            next_frame=self.next_frame,
            next_sample=self.next_sample,
            session_zero_boottime_ns=self.zero_ns,
        )

    def check_out(self) -> None:
        body = r.Checkout(("PF-0001", "PF-0002"), "activity-7", "inspection", None, away=False)
        self.writer.seal(body, {"officers": ["甲某", "乙某"]})

    def press(self) -> None:
        """SESSION_START and PREFLIGHT."""
        pressed = self.clock.now.boottime_ns
        self.clock.advance(1.2)
        self.zero_ns = self.clock.now.boottime_ns - NS
        self.writer.set_state(self.state("starting"))
        self.writer.roll_ledger("session-start")
        self.writer.seal(r.SessionStart(self.session, self.number, "test", bytes(32), pressed, 3, self.zero_ns))
        checks = (
            r.CheckResult("battery", r.CheckVerdict.PASS, 87, 20, "percent"),
            r.CheckResult("storage", r.CheckVerdict.PASS, 412, 60, "minutes"),
            r.CheckResult("clock", r.CheckVerdict.PASS, 12, 1000, "ms"),
            r.CheckResult("camera", r.CheckVerdict.PASS, 118, 16, "luma"),
            r.CheckResult("microphone", r.CheckVerdict.DEGRADED, -48, -45, "dbfs"),
            r.CheckResult("key", r.CheckVerdict.PASS, 1, None, "ok"),
        )
        self.clock.advance(0.8)
        self.writer.seal(r.Preflight(self.session, r.CheckVerdict.DEGRADED, checks, blocked=False))

    def begin_run(self) -> None:
        """The next run's first file."""
        self.run, self.run_file = self.run + 1, 0
        self._open_file()

    def _open_file(self) -> None:
        self.writer.set_state(self.state())
        self.writer.open_footage(
            r.RunFacts(
                self.session,
                self.run,
                self.run_file,
                True,
                True,
                1920,
                1080,
                30,
                1,
                48_000,
                self.next_frame,
                self.next_sample,
                bytes(32),
            )
        )

    def next_file(self, reason: str = "time") -> None:
        """End the file and go on in the next one of the run."""
        self.close(reason)
        self.run_file += 1
        self._open_file()

    def close(self, reason: str) -> RecordReference:
        return self.writer.close_footage(r.Close(reason, 0, self.next_frame, self.next_sample, 1024, 0, 0))

    def record(self, seconds: int) -> None:
        """So many fragments of a second."""
        for _ in range(seconds):
            media_ns = self.media_ns()
            body = r.Fragment(
                index=0,
                first_frame=self.next_frame,
                frame_count=30,
                first_video_pts=media_ns * 90_000 // NS,
                last_video_pts=media_ns * 90_000 // NS + 87_000,
                first_sample=self.next_sample,
                sample_count=48_000,
                first_audio_pts=media_ns * 48_000 // NS,
                dropped_frames=0,
                lost_samples=0,
                captured_boottime_ns=self.clock.now.boottime_ns,
                before_notice=self.before_notice,
            )
            self.clock.advance(1.0)
            self.writer.append_fragment(body, bytes([self.next_frame % 251]) * self.fragment_bytes)
            self.next_frame += 30
            self.next_sample += 48_000

    def speak(self, kind: r.PromptKind, seconds: float, heard: bool | None = None, ago: float | None = None) -> None:
        """PROMPT of a sentence that began `ago` seconds back."""
        began = self.clock.now.boottime_ns - round((seconds if ago is None else ago) * NS)
        ended = began + round(seconds * NS)
        body = r.Prompt(
            session_id=self.session,
            kind=kind,
            started_media_time_ns=began - self.zero_ns,
            ended_media_time_ns=ended - self.zero_ns,
            started_boottime_ns=began,
            ended_boottime_ns=ended,
            complete=True,
            clip_hash=bytes(32),
            heard=heard,
            agreement_permille=None if heard is None else 970 if heard else 140,
            delay_ms=None if heard is None else 23,
            level_dbfs=-18,
            repetition=0,
        )
        self.writer.seal(body, {"text": "您好，本次执法全程录音录像。"})
        if kind is r.PromptKind.NOTICE:
            self.before_notice = False

    def listen(
        self, purpose: r.VoicePurpose, seconds: float, accepted: bool, break_sequence: int | None = None
    ) -> None:
        """VOICE_WINDOW that closes now."""
        closed = self.media_ns()
        speech = 2_400 if accepted else 100
        self.writer.seal(
            r.VoiceWindow(
                self.session,
                purpose,
                closed - round(seconds * NS),
                closed,
                accepted,
                speech,
                speech // 2,
                0,
                break_sequence,
                True,
            )
        )

    def mark(self, category: str | None = None) -> None:
        number = self.next_frame // 30
        body = r.Mark(self.session, number, self.next_frame, self.media_ns(), self.clock.now.boottime_ns, category)
        self.writer.seal(body)

    def break_off(self, cause: str, origin: r.BreakOrigin, reason: str = "break") -> int:
        """CLOSE and BREAK; returns the BREAK's sequence number."""
        self.close(reason)
        return self.seal_break(cause, origin)

    def seal_break(self, cause: str, origin: r.BreakOrigin) -> int:
        self.breaks += 1
        now = self.clock.now
        body = r.Break(
            self.session,
            self.breaks,
            origin,
            cause,
            True,
            self.next_frame - 1,
            now.boottime_ns,
            now.utc_ns,
            self.media_ns(),
            self.run,
        )
        return self.writer.seal(body).sequence

    def resume(self, break_sequence: int, seconds: float, automatic: bool) -> None:
        """RESUME, and the next run."""
        now = self.clock.now
        self.writer.seal(
            r.Resume(
                self.session,
                break_sequence,
                self.next_frame,
                now.boottime_ns,
                now.utc_ns,
                self.media_ns(),
                round(seconds * NS),
                True,
                self.run + 1,
                automatic,
            )
        )
        self.begin_run()

    def finish(self) -> None:
        """CLOSE and SESSION_END."""
        self.close("session-end")
        self.writer.seal(
            r.SessionEnd(
                self.session,
                "button",
                self.run,
                self.next_frame,
                self.next_sample,
                1,
                self.breaks,
                0,
                0,
                self.clock.now.boottime_ns,
                self.media_ns(),
            )
        )


def film(spool: Path, seconds: int = 3, fragment_bytes: int = 3_000) -> Scene:
    """One session with everything in it, then an orderly end. `seconds` is the length of each stretch."""
    clock = ManualClock()
    scene = Scene(start_writer(spool, clock), clock, fragment_bytes=fragment_bytes)
    clock.advance(5)
    scene.check_out()
    clock.advance(20)
    scene.press()
    scene.begin_run()
    scene.record(seconds)
    scene.speak(r.PromptKind.NOTICE, min(8.0, seconds), heard=True)
    scene.record(seconds)
    scene.mark("evidence")
    scene.next_file()
    scene.record(seconds)
    broken = scene.break_off("camera-fault", r.BreakOrigin.MACHINE)
    clock.advance(0.4)
    scene.speak(r.PromptKind.BREAK_MARKER, 0.3)
    clock.advance(11)
    scene.resume(broken, 11.4, automatic=True)
    scene.record(seconds)
    scene.speak(r.PromptKind.REASON_REQUEST, min(2.0, seconds))
    scene.record(seconds)
    scene.listen(r.VoicePurpose.EXPLANATION, seconds, accepted=True, break_sequence=broken)
    scene.listen(r.VoicePurpose.BREAK_REASON, seconds, accepted=True)
    announced = scene.break_off("change-of-place", r.BreakOrigin.ANNOUNCED)
    clock.advance(40)
    scene.resume(announced, 40, automatic=False)
    scene.record(2 * seconds)
    scene.listen(r.VoicePurpose.EXPLANATION, seconds, accepted=False, break_sequence=announced)
    scene.finish()
    scene.writer.seal(r.DockChange(docked=True))
    scene.writer.halt("stop")
    return scene


@cache
def _filmed() -> Path:
    folder = Path(mkdtemp(prefix="sealed-"))
    film(folder, 1, 200)
    return folder


def copy_of_film(spool: Path) -> Path:
    """A copy of one recording that all tests share; to be spoiled at will."""
    return Path(shutil.copytree(_filmed(), spool))
