"""The recorder: the session machine, its threads and the parts they own, as one thing that the agent starts and stops.

Rules of this module: composition and the public calls only. Threads (each a `Worker`): session (machine, presses,
effects), camera (starts and stops it), microphone (reads it), media (pipeline), voice (loudspeaker), watch (checks,
frames, windows, clock), caption (the burnt-in line, where the profile wants one).
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from capture import events as ev
from capture.assignment import Assignment
from capture.conditions import Condition
from capture.errors import RecorderBusyError, RecorderError
from capture.gestures import GestureReader
from capture.moves.standing import held_assignment
from capture.preflight import PreflightResult
from capture.profile import CaptureProfile
from capture.resume import LastKnown, bodies, fold, plan
from capture.settings import RecorderSettings
from capture.shell.camera import CameraKeeper
from capture.shell.captioning import make_caption
from capture.shell.executor import Executor, Parts
from capture.shell.intake import MediaQueue
from capture.shell.kept_drain import KeptDrain
from capture.shell.measuring import Measuring, Senses
from capture.shell.media import MediaDesk
from capture.shell.microphone import MicrophoneReader
from capture.shell.panel import Panel
from capture.shell.runner import Reply, SessionRunner
from capture.shell.seals import Seals
from capture.shell.voice import VoiceDesk
from capture.shell.wardrobe import Wardrobe
from capture.shell.watch import CHECK_SECONDS, Probe, Thresholds, Watch, Watched
from capture.states import CAPTURING, Machine, SessionRules, State, snapshot, with_faults
from capture.status import RecorderStatus, status_of
from capture.voice.ring import RecentSound
from hal.ports import Hardware
from hal.values import ButtonName, CameraSettings, Caption
from hal.worker import Worker
from sealing.records import StateSnapshot
from sealing.recovery import Recovery
from sealing.service import SealingService

log = logging.getLogger(__name__)

ANSWER_SECONDS = 30.0
"""Longest wait for a record that somebody asked for: a card may stall for 20 s."""
STOP_SECONDS = 15.0
"""Longest wait for an open session to close when the agent ends."""
JOIN_SECONDS = 5.0
_MILLISECOND_NS = 1_000_000


@dataclass(frozen=True, slots=True)
class ProfileFacts:
    """Which profile is loaded, as it is sealed."""

    id: str
    hash: bytes


def first_snapshot(facts: ProfileFacts, boot_id: str) -> StateSnapshot:
    """State of a unit that has no chain yet."""
    return snapshot(Machine(SessionRules.of(CaptureProfile()), facts.id, facts.hash, boot_id))


class Recorder:
    """One unit's recorder.

    Args:
        hardware: The parts; nobody else uses camera, sound, buttons, lamps and motor.
        sealing: The chain, started.
        profile: The profile's section `capture`.
        facts: Which profile that is.
        settings: What the agent decides.

    Raises:
        OSError: The voice directory cannot be made.
    """

    def __init__(
        self,
        hardware: Hardware,
        sealing: SealingService,
        profile: CaptureProfile,
        facts: ProfileFacts,
        settings: RecorderSettings,
    ) -> None:
        self._hardware = hardware
        self._profile = profile
        self._clock = hardware.clock
        self._rules = SessionRules.of(profile, settings.grounds)
        self._buttons = frozenset(ButtonName(name) for name in hardware.buttons.fitted())
        alone = ButtonName.MARK not in self._buttons
        self._wardrobe = Wardrobe(
            settings.voice, profile, settings.zone, settings.grounds, labels=settings.labels, one_button=alone
        )
        post = self._post
        self._seals = Seals(sealing, post, self._clock.boottime_ns)
        self._queue = MediaQueue(self._clock)
        recent = RecentSound()
        self._caption = make_caption(self._clock, profile, settings.caption, settings.zone, self._assignment)
        asked = _camera_settings(profile, self._caption)
        self._camera = CameraKeeper(hardware.camera, self._clock, asked, self._queue, post)
        self._microphone = MicrophoneReader(hardware.microphone, self._clock, self._queue, recent)
        limits, digest = settings.file_limits, settings.suite.digest
        self._media = MediaDesk(self._queue, self._seals, self._clock, limits, self._frame_rate, post, digest)
        flowing, speech = self._microphone.flowing, self._wardrobe.speech
        self._voice = VoiceDesk(hardware.speaker, self._clock, speech, recent, flowing, post)
        captioned = (self._caption is not None) if profile.recording.caption else None
        senses = Senses(self._camera, self._microphone, self._voice, captioned, self._media.losses)
        measuring = Measuring(hardware, sealing, senses, settings.reserve_bytes)
        watched = Watched(self._camera, self._seals, self._voice, recent, self._is_capturing, self._conditions)
        thresholds = Thresholds(profile.preflight, profile.warnings)
        self._watch = Watch(self._clock, thresholds, measuring, watched, post, KeptDrain(settings.drain_path))
        self._runner = self._make_runner(facts)

    def _make_runner(self, facts: ProfileFacts) -> SessionRunner:
        signals = self._profile.signals.table()
        parts = Parts(
            clock=self._clock,
            seals=self._seals,
            queue=self._queue,
            camera=self._camera,
            microphone=self._microphone,
            voice=self._voice,
            watch=self._watch,
            panel=Panel(self._hardware, signals),
        )
        gestures = self._profile.gestures
        reader = GestureReader(
            self._buttons,
            gestures.hold_ms * _MILLISECOND_NS,
            gestures.double_press_ms * _MILLISECOND_NS,
            signals.two_buttons,
        )
        boot_id = self._clock.read().boot_id
        machine = Machine(self._rules, facts.id, facts.hash, boot_id)
        self._executor = Executor(parts, self._post)
        return SessionRunner(machine, self._clock, reader, parts.panel, self._executor, _new_session_id)

    @property
    def workers(self) -> Sequence[Worker]:
        """The recorder's threads, for the watchdog."""
        return (
            self._runner.worker,
            self._camera.worker,
            self._microphone.worker,
            self._media.worker,
            self._voice.worker,
            self._watch.worker,
            *(() if self._caption is None else (self._caption.worker,)),
        )

    def start(self, recovery: Recovery) -> None:
        """Take up what the chain tells, start the threads, and resume an open session where the rules say so (CS-9).

        Renders missing words first when no session is open: blocks for real seconds at the very first start.

        Args:
            recovery: What the writer read back.
        """
        self._watch.begin(self._clock.read())
        known = None
        if recovery.snapshot is not None:
            known = fold(recovery.snapshot, recovery.last_utc_ns or 0, bodies(recovery.records))
            self._take_up(known, recovery)
        if known is None or known.snapshot.session_id is None:
            self._wardrobe.render_missing()
        for worker in self.workers:
            worker.start()
        if known is None or known.snapshot.session_id is None:
            self._seals.set_state(snapshot(self._runner.machine))
        else:
            # The writer's own state stands until the machine has taken the session up: it says that one is open.
            self._resume(known, recovery.reason)
        self._hardware.buttons.subscribe(self._runner)

    def stop(self) -> None:
        """End an open session in order (SESSION_END, reason stop), then end the threads. Blocks by the clock."""
        self._runner.ask(ev.StopRequested())
        if not self._clock.wait(self._runner.idle, STOP_SECONDS):
            log.error("the open session did not end within %s s; recovery will take it up", STOP_SECONDS)
        self.stop_threads()

    def stop_threads(self) -> None:
        """End the threads and nothing else: an open session stays open on the chain. Blocks by the clock."""
        self._voice.hush()
        self._microphone.stop()
        for worker in self.workers:
            worker.request_stop()
        self._microphone.close()
        for worker in self.workers:
            if not worker.join(JOIN_SECONDS):
                log.error("thread %s did not end within %s s", worker.name, JOIN_SECONDS)

    def checkout(
        self, assignment: Assignment, on_progress: Callable[[int, int], None] = lambda _done, _total: None
    ) -> int:
        """Hand the unit to officers: render their words, seal CHECKOUT, play their names back (R2).

        Blocks the caller for real seconds; not to be called on a thread that takes part in the clock.

        Args:
            assignment: The officers and the activity.
            on_progress: Told of clips done and clips in all.

        Returns:
            Sequence number of the CHECKOUT.

        Raises:
            AssignmentError: No officers, too many, or a value that cannot be taken.
            RecorderBusyError: A session is open.
            VoiceNotRenderedError: The words could not be rendered.
            RecorderError: The chain did not take the record in time.
        """
        assignment.check()
        self._refuse_while_recording("check-out")
        self._wardrobe.dress(assignment, on_progress)
        reply = self._wait(self._runner.ask(ev.CheckedOut(assignment), answered=True), "check-out")
        if reply.sequence is None:
            raise RecorderError("the check-out was sealed without a sequence number")
        return reply.sequence

    def checkin(self) -> None:
        """Take the unit back: seal CHECKIN, forget the names (R2).

        Raises:
            RecorderBusyError: A session is open.
            RecorderError: Nobody has the unit, or the recorder did not answer in time.
        """
        self._refuse_while_recording("check-in")
        if self._runner.machine.checkout_sequence is None:
            raise RecorderError("check-in: nobody has checked the unit out")
        self._wait(self._runner.ask(ev.CheckedIn()), "check-in")
        self._wardrobe.undress()

    def mark(self, category: str | None = None) -> None:
        """Mark this moment (R7), of one of the profile's categories where one is given.

        Raises:
            RecorderError: Nothing is being recorded, or the profile has no such category.
        """
        if category is not None and category not in self._rules.mark_categories:
            raise RecorderError(
                f"mark: no category {category!r}; the profile has {_listed(self._rules.mark_categories)}"
            )
        if not self._is_capturing():
            raise RecorderError(f"mark: the recorder is {self._runner.machine.state.value}; nothing can be marked")
        self._wait(self._runner.ask(ev.MarkPressed(self._clock.boottime_ns(), category)), "mark")

    def exempt(self, ground: str) -> None:
        """Seal that something is not recorded, and on which ground; while recording, ask for the spoken memo (R11).

        Raises:
            RecorderError: The profile has no such ground.
            RecorderBusyError: Something else is being chosen, or the recording begins or ends just now.
        """
        if ground not in self._rules.grounds:
            raise RecorderError(f"exemption: no ground {ground!r}; the profile has {_listed(self._rules.grounds)}")
        self._wait(self._runner.ask(ev.Exempted(ground, self._clock.boottime_ns())), "exemption")

    def repeat_notice(self) -> None:
        """Say the notice once more, with its proof (R4).

        Raises:
            RecorderError: The profile has none, or the recorder is doing something else.
        """
        state = self._runner.machine.state
        if not self._rules.notice or state is not State.RECORDING:
            why = f"the recorder is {state.value}" if self._rules.notice else "the profile has no notice"
            raise RecorderError(f"notice: {why}; nothing was said")
        self._wait(self._runner.ask(ev.NoticePressed(self._clock.boottime_ns())), "notice")

    def check(self) -> PreflightResult:
        """Run every check without a recording; blocks about 2 s by the clock. Nothing is sealed.

        Raises:
            RecorderBusyError: A session is open, or began meanwhile.
        """
        self._refuse_while_recording("check")
        done, found = self._clock.signal(), list[PreflightResult]()

        def answer(result: PreflightResult) -> None:
            found.append(result)
            done.set()

        self._runner.probe(Probe(self._clock.boottime_ns(), answer))
        answered = self._clock.wait(done, CHECK_SECONDS + JOIN_SECONDS)
        self._runner.end_probe()
        if self._runner.machine.state is not State.IDLE:
            raise RecorderBusyError("check: a recording began meanwhile; its own checks stand in its PREFLIGHT")
        if not answered:
            raise RecorderError("check: the recorder did not answer in time")
        return found[0]

    def tell_dock(self, standing: ev.DockStanding) -> None:
        """Show and say between recordings how far the upload is (CS-31). Any thread; never blocks."""
        self._runner.post(ev.DockTold(standing))

    def tell_due(self, told: ev.DueTold) -> None:
        """Say between recordings by when they have to be handed over and labelled (R20, R22). Any thread, at once."""
        self._runner.post(told)

    def status(self) -> RecorderStatus:
        """The recorder as it stands. Never blocks; any thread."""
        return status_of(
            self._runner.machine,
            self._watch.standing,
            chain_writable=not self._seals.lost,
            refused_deliveries=self._queue.refused,
        )

    def _post(self, event: ev.Event) -> None:
        self._runner.post(event)

    def _is_capturing(self) -> bool:
        return self._runner.machine.state in CAPTURING

    def _assignment(self) -> Assignment | None:
        return self._runner.machine.assignment

    def _conditions(self) -> frozenset[Condition]:
        return self._runner.machine.conditions

    def _frame_rate(self) -> Fraction:
        return self._camera.settings.frames_per_second

    def _take_up(self, known: LastKnown, recovery: Recovery) -> None:
        kept = known.snapshot
        self._runner.machine = replace(
            with_faults(self._runner.machine, recovery.standing_faults.keys()),
            assignment=self._wardrobe.restore(held_assignment(known)),
            checkout_sequence=kept.checkout_sequence,
            session_number=kept.session_number,
        )

    def _resume(self, known: LastKnown, reason: str) -> None:
        now = self._clock.read()
        limit = self._profile.interruptions.resume_after_power_loss_seconds
        resumption = plan(known, reason, now, limit)
        if resumption is not None:
            log.warning("session %d was open: %s", known.snapshot.session_number, resumption.cause)
            self._runner.post(ev.Recovered(resumption, now.boottime_ns))

    def _refuse_while_recording(self, what: str) -> None:
        state = self._runner.machine.state
        if state is not State.IDLE:
            raise RecorderBusyError(f"{what}: the recorder is {state.value}; finish the recording first")

    def _wait(self, reply: Reply, what: str) -> Reply:
        if not self._clock.wait(reply.done, ANSWER_SECONDS):
            raise RecorderError(f"{what}: no answer after {ANSWER_SECONDS} s; is the medium stalling?")
        if reply.refused is not None:
            raise RecorderBusyError(f"{what}: {reply.refused}")
        return reply


def _camera_settings(profile: CaptureProfile, caption: Caption | None) -> CameraSettings:
    asked = profile.recording
    return CameraSettings(asked.width_pixels, asked.height_pixels, asked.frame_rate, asked.bitrate_bps, caption)


def _listed(codes: Sequence[str]) -> str:
    return ", ".join(codes) or "none"


def _new_session_id() -> bytes:
    return secrets.token_bytes(16)
