"""The running agent: everything composed, started in order, stopped in the other.

Rules of this module: composition and life cycle; what each part does is the part's own. Threads that take part in the
unit's clock are workers; the control socket's are not.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Final

from pydantic import JsonValue

from agent.assembly import SOFTWARE_VERSION, Prepared
from agent.beacon import Beacon
from agent.caption import caption_facts
from agent.control import ControlSocket
from agent.control_wire import (
    CheckinRequest,
    CheckoutRequest,
    CheckRequest,
    ExemptionRequest,
    MarkRequest,
    NoticeRequest,
    Request,
    StatusRequest,
    TrustStoreRequest,
)
from agent.device_key import close_device_key
from agent.due import DueBook, rules_by_hash
from agent.handover import check_code, handover_of, hints_of
from agent.last_end import take_watchdog_end
from agent.pulse import ALIVE_SECONDS, counter_of, sign_of_life
from agent.receipts import KeptReceipts, ReceiptKeeper, ReceiptRules, load_kept, set_receipts_aside
from agent.signed_profile import remember
from agent.status import Facts, check_table, status_table
from agent.supervision import Health, health_of
from agent.upload import Decision, clear_contradiction, upload_standing
from agent.voices import spoken_labels, voice_settings
from capture.events import DockStanding, DueTold
from capture.media.limits import FileLimits
from capture.recorder import ProfileFacts, Recorder, first_snapshot
from capture.resume import replay
from capture.settings import RecorderSettings
from hal.errors import HardwareError
from hal.ports import Hardware
from hal.worker import Worker
from sealing.errors import SealingError
from sealing.foreign import has_own_files
from sealing.identity import SoftwareFacts
from sealing.records import Event
from sealing.recovery import Recovery
from sealing.service import SealingService
from sealing.writer import ChainWriter
from sync.rules import write_rules
from sync.unit.spool import numbers

log = logging.getLogger(__name__)

HALT_SECONDS: Final = 20.0
JOIN_SECONDS: Final = 5.0


class Agent:
    """One unit's agent.

    Args:
        prepared: What the configuration names, found good; its directories are there.
        hardware: The unit's parts, open.
    """

    def __init__(self, prepared: Prepared, hardware: Hardware) -> None:
        self._prepared = prepared
        self._hardware = hardware
        self._kept = KeptReceipts({}, {})
        self._started = ExitStack()
        self._recovery: Recovery | None = None
        self._sealing = SealingService(self._start_writer, hardware.clock, sign_of_life=sign_of_life(hardware))
        self._recorder: Recorder | None = None
        self._beacon: Beacon | None = None
        self._receipts: ReceiptKeeper | None = None
        self._due = DueBook(prepared.paths.spool, rules_by_hash(prepared.profile), self._receipted)

    def start(self) -> None:
        """Recover the chain, resume what was open, and listen.

        Raises:
            SealingError: The chain cannot be taken up.
            SpoolError: Run directory or control socket cannot be made.
            OSError: State or run directory cannot be read or written.
        """
        with ExitStack() as undo:
            self._started = undo
            self._start_parts()
            self._started = undo.pop_all()

    def stop(self) -> None:
        """End an open session in order, seal HALT, end every thread. Idempotent; blocks by the clock."""
        self._started.close()

    @property
    def recovery(self) -> Recovery | None:
        """Where the chain was taken up; None before `start`."""
        return self._recovery

    @property
    def workers(self) -> Sequence[Worker]:
        """Every thread that has to be alive."""
        recorder, beacon, receipts = self._recorder, self._beacon, self._receipts
        return (
            self._sealing.worker,
            *(recorder.workers if recorder is not None else ()),
            *(part.worker for part in (beacon, receipts) if part is not None),
        )

    def health(self) -> Health:
        """How the threads are. Never blocks."""
        return health_of(self.workers, self._hardware.clock.boottime_ns())

    def status(self) -> Mapping[str, JsonValue]:
        """The unit's status, ready for JSON. Under 50 ms; any thread."""
        prepared, recovery = self._prepared, self._recovery
        return status_table(
            Facts(
                device_id=prepared.config.unit.device_id,
                version=SOFTWARE_VERSION,
                profile=prepared.profile,
                hardware=self._hardware,
                sealing=self._sealing,
                recovery=recovery,
                recorder=None if self._recorder is None else self._recorder.status(),
                docked=self._beacon is not None and self._beacon.docked,
                health=self.health(),
                due=self._due.standing,
                upload=upload_standing(prepared.paths),
            )
        )

    def summary(self) -> str:
        """The unit in one line, for the service manager. Never blocks."""
        recorder = self._recorder
        if recorder is None:
            return "starting"
        now = recorder.status()
        return f"{now.state}, session {now.session_number}" if now.session_id else now.state

    def session_open(self) -> bool:
        """Whether a recording is going on. Never blocks."""
        return self._recorder is not None and self._recorder.status().session_id is not None

    def _start_parts(self) -> None:
        paths = self._prepared.paths
        write_rules(paths.run, self._prepared.profile.content)
        remember(self._prepared.profile, paths)
        if not has_own_files(self._hardware.storage, self._prepared.identity):
            set_receipts_aside(paths.receipts)  # before the chain begins: its files would bear the same numbers
        self._kept = load_kept(paths.receipts, frozenset(numbers(paths.spool)))
        self._at_stop("the device key", lambda: close_device_key(self._prepared.identity.signer))
        self._recovery = self._sealing.start()
        self._at_stop("the chain", lambda: self._sealing.stop("stop", HALT_SECONDS))
        self._at_stop("the word to sync", self._tell_the_end)
        recorder = self._recorder = self._make_recorder()
        recorder.start(self._recovery)
        self._seal_profile()
        self._at_stop("the recorder", recorder.stop)
        self._start_worker(self._start_receipts())
        self._start_worker(self._start_beacon())
        control = ControlSocket(paths.socket, self.answer)
        control.start()
        self._at_stop("the control socket", control.stop)

    def _seal_profile(self) -> None:
        """The number of the signed profile in force stands in the chain from each start on (PR-12)."""
        document = self._prepared.profile.document
        if document is not None:
            self._sealing.seal(Event("profile-in-force", None, (("number", document.number),)))

    def _tell_the_end(self) -> None:
        """Nothing records any more: sync must not wait for a session that has ended."""
        if self._beacon is not None:
            self._beacon.look()

    def _start_receipts(self) -> Worker | None:
        prepared = self._prepared
        if prepared.receipt_certificate is None:
            log.warning("no store-receipt.pem: receipts are not taken and nothing is ever freed")
            return None
        rules = ReceiptRules(
            prepared.paths, prepared.receipt_certificate, prepared.config.unit.device_id, prepared.config.spool
        )
        hardware = self._hardware
        self._receipts = ReceiptKeeper(
            rules, self._kept, hardware.clock, hardware.storage, self._sealing, self.session_open
        )
        return self._receipts.worker

    def _start_beacon(self) -> Worker:
        hardware = self._hardware
        beacon = self._beacon = Beacon(
            self._prepared.paths,
            hardware.clock,
            hardware.dock,
            self._sealing,
            self.session_open,
            self._status_of_now,
            self._dock_told,
        )
        beacon.begin()
        return beacon.worker

    def _status_of_now(self) -> Mapping[str, JsonValue]:
        """On the beacon's thread, each second: what is owed is counted anew."""
        self._due.look(recording=self.session_open())
        return self.status()

    def _dock_told(self, standing: DockStanding) -> None:
        """Show and say how far the upload is, and by when it has to be there (R20)."""
        self._running().tell_dock(standing)
        if standing is DockStanding.UPLOADING:
            due = self._due.look()
            missing = tuple(one.code for one in due.labels_missing)
            self._running().tell_due(DueTold(due.due_utc_ns, missing, due.labels_due_utc_ns))

    def _receipted(self) -> frozenset[int]:
        return frozenset(file.number for file in self._sealing.sealed_files() if file.number in self._kept.by_file)

    def _start_worker(self, worker: Worker | None) -> None:
        if worker is None:
            return
        worker.start()

        def end() -> None:
            worker.request_stop()
            if not worker.join(JOIN_SECONDS):
                log.error("thread %s did not end within %s s", worker.name, JOIN_SECONDS)

        self._at_stop(f"thread {worker.name}", end)

    def _at_stop(self, what: str, end: Callable[[], None]) -> None:
        """Later parts end first; one that fails to end must not keep the others from it."""

        def quietly() -> None:
            try:
                end()
            except (SealingError, HardwareError, OSError):
                log.exception("%s did not end in order; the next start recovers", what)

        self._started.callback(quietly)

    def _start_writer(self) -> ChainWriter:
        prepared, hardware = self._prepared, self._hardware
        software = SoftwareFacts(
            SOFTWARE_VERSION,
            hardware.driver_set,
            hardware.simulated,
            ALIVE_SECONDS,
            ended_by_watchdog=take_watchdog_end(prepared.paths.state),
        )
        return ChainWriter.start(
            hardware.storage,
            hardware.clock,
            prepared.identity,
            prepared.policy,
            software,
            first_snapshot(self._profile_facts(), hardware.clock.read().boot_id),
            replay=replay,
            receipted=self._kept.by_file,
            counter=counter_of(prepared),
        )

    def _make_recorder(self) -> Recorder:
        prepared = self._prepared
        voice, language = voice_settings(prepared.config, prepared.paths), prepared.config.unit.language
        limits = FileLimits(seconds=prepared.policy.footage_seconds, bytes=prepared.policy.footage_bytes)
        grounds = prepared.profile.profile.grounds
        return Recorder(
            self._hardware,
            self._sealing,
            prepared.profile.profile.capture,
            self._profile_facts(),
            RecorderSettings(
                voice=voice,
                file_limits=limits,
                grounds=grounds,
                labels=spoken_labels(prepared.profile.profile),
                caption=caption_facts(prepared.profile.profile.profile, language, prepared.identity.device_id),
                suite=prepared.policy.check(),
                drain_path=prepared.paths.drain,
            ),
        )

    def _profile_facts(self) -> ProfileFacts:
        return ProfileFacts(self._prepared.profile.profile.profile.id, self._prepared.profile.hash)

    def answer(self, request: Request) -> Mapping[str, JsonValue]:
        """Do what was asked on the control socket; on a thread that takes no part in the clock.

        Raises:
            AgentError, CaptureError, SealingError: It is not done; the message says why.
        """
        match request:
            case StatusRequest():
                return self.status()
            case CheckRequest():
                return check_table(self._running().check())
            case CheckoutRequest():
                return self._check_out(request)
            case CheckinRequest():
                self._running().checkin()
                return {}
            case TrustStoreRequest():
                return self._trust_store(request)
            case MarkRequest() | ExemptionRequest() | NoticeRequest():
                self._do_while_recording(request)
                return {}

    def _do_while_recording(self, request: MarkRequest | ExemptionRequest | NoticeRequest) -> None:
        profile = self._prepared.profile.profile
        match request:
            case MarkRequest():
                check_code("category", request.category, [each.code for each in profile.capture.marks.categories])
                self._running().mark(request.category)
            case ExemptionRequest():
                check_code("ground", request.ground, [each.code for each in profile.grounds])
                self._running().exempt(request.ground)
            case NoticeRequest():
                self._running().repeat_notice()

    def _trust_store(self, request: TrustStoreRequest) -> Mapping[str, JsonValue]:
        """SY-43: a custodian has decided about a store that contradicted itself."""
        prepared, now_utc_ns = self._prepared, self._hardware.clock.read().utc_ns
        decision = Decision(request.decided_by, request.why, now_utc_ns)
        moved = clear_contradiction(prepared.paths, self._sealing, self._kept, decision)
        return {"kept": [str(path) for path in moved]}

    def _check_out(self, request: CheckoutRequest) -> Mapping[str, JsonValue]:
        handover = handover_of(request, self._prepared.profile.profile, self._prepared.config.custody)
        sequence = self._running().checkout(handover.assignment)
        remarks: list[JsonValue] = [{"code": each.code, "zh": each.zh, "en": each.en} for each in handover.remarks]
        return {"sequence": sequence, "remarks": remarks, **hints_of(self._prepared.profile.profile, handover)}

    def _running(self) -> Recorder:
        if self._recorder is None:
            raise RuntimeError("the control socket is open before the recorder is there")
        return self._recorder
