"""Verifies a chain: any folder of sealed files, the agency's CA, nothing of the device.

Rules of this module: it reads, it never writes; memory is bounded whatever the files say; everything that is found is
named with file, sequence number and place, the first fault first. The steps are those of `FORMAT.md`, section 8.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sealing.errors import NotSealedError
from sealing.findings import Code, Findings, Place
from sealing.framing import file_name
from sealing.limits import MAGIC, SEQUENCE_FIRST
from sealing.oids import Assurance
from sealing.reader import Beginning, SealedFile, beginning, in_order, number_of, sealed_files
from sealing.records import Boot, FileOrigin, Torn
from sealing.report import ChainError, FileFacts, NotEvidenceError, PolicyFacts, Report
from sealing.sessions import SessionBook
from sealing.suites import RecipientPrivateKey
from sealing.trust import Trust
from sealing.verifier_anchors import Anchors
from sealing.verifier_borders import Borders
from sealing.verifier_contents import Contents
from sealing.verifier_deletion import Deletion, FileEnds
from sealing.verifier_file import Chain, FileWalk
from sealing.verifier_keys import Keys
from sealing.verifier_links import Bridged, Links, settle
from sealing.verifier_media import Media
from sealing.verifier_policy import PolicyWatch
from sealing.verifier_ticks import Ticks
from sealing.verifier_times import Times
from sealing.verifier_witness import Witness

Progress = Callable[[int, int], None]
"""Told bytes read and bytes in all, after each file."""

_RANKS = (Assurance.SIMULATED, Assurance.SOFT, Assurance.HARDWARE)
_OF_BOOT = {True: Assurance.SIMULATED, False: Assurance.HARDWARE}
"""Highest grade that a BOOT allows: one that does not say «simulated» takes nothing away from the certificate's."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a verification is to do beyond the rule."""

    part: bool = False
    """The files are a part of a chain, such as an exported clip; that the beginning is elsewhere is no fault then."""
    recipient_keys: Sequence[RecipientPrivateKey] = ()
    """Private keys of recipients: with one of them every payload is decrypted, too (step 15)."""
    every_signature: bool = False
    """Check each record's own signature, also where a later one vouches for it (step 8)."""


_NOTHING_ELSE = Asked()


def verify_chain(
    files: Sequence[Path],
    trust: Trust,
    require_evidence: bool = False,
    progress: Progress | None = None,
    asked: Asked = _NOTHING_ELSE,
) -> Report:
    """Verify a chain, or the part of it that is there.

    Args:
        files: Sealed files, or folders of them, in any order.
        trust: What the caller trusts.
        require_evidence: Refuse chains of the grade SIMULATED.
        progress: Told how far the reading has come.
        asked: What is wanted besides.

    Returns:
        The report of an intact chain; it may hold warnings and information. With `asked.part` the warning PARTIAL says
        which records are here, unless they are a whole chain.

    Raises:
        ChainError: Something is not as it was sealed; carries the report.
        NotEvidenceError: The chain is intact but of the grade SIMULATED, and evidence was required.
        NotSealedError: None of the files is a sealed file.
        OSError: A file cannot be read.
    """
    report = examine_chain(files, trust, progress, asked)
    if not report.intact:
        raise ChainError(report)
    if require_evidence and report.grade not in (Assurance.SOFT, Assurance.HARDWARE):
        raise NotEvidenceError(report)
    return report


def examine_chain(
    files: Sequence[Path], trust: Trust, progress: Progress | None = None, asked: Asked = _NOTHING_ELSE
) -> Report:
    """As `verify_chain`, for callers who show the report whatever it says.

    Raises:
        NotSealedError: None of the files is a sealed file.
        OSError: A file cannot be read.
    """
    ordered = in_order([each for path in files for each in sealed_files(path)])
    if not ordered:
        raise NotSealedError("no files were given; give the folder that holds the *.evs files")
    return _Examination(trust, progress, asked).run(ordered)


class _Examination:
    """One pass over all files."""

    def __init__(self, trust: Trust, progress: Progress | None, asked: Asked) -> None:
        self._trust = trust
        self._asked = asked
        self._progress = progress
        self._findings = Findings()
        self._deletion = Deletion(self._findings)
        self._book = SessionBook()
        self._facts: list[FileFacts] = []
        self._present: dict[int, FileEnds] = {}
        watch = PolicyWatch(trust.policy, self._findings)
        self._chain = Chain(
            findings=self._findings,
            links=Links(self._findings),
            contents=Contents(asked.recipient_keys, self._findings),
            witness=Witness(trust, self._findings, watch.vouch),
            keys=Keys(trust, self._findings),
            borders=Borders(self._findings, lambda: self._chain.ticks.tail(ended_in_order=False).en),
            media=Media(self._findings),
            times=Times(self._findings),
            ticks=Ticks(self._findings),
            anchors=Anchors(trust.time, self._findings, watch.vouch),
            policy=watch,
            deletion=self._deletion,
            book=self._book,
            every_signature=asked.every_signature,
        )

    def run(self, paths: Sequence[Path]) -> Report:
        """Read all files, then judge what only the whole can tell."""
        paths, anew = _counted(paths)
        total, done = sum(path.stat().st_size for path in paths), 0
        for index, path in enumerate(paths):
            following = paths[index + 1] if index + 1 < len(paths) else None
            upcoming = beginning(following) if following is not None and following in anew else None
            self._file(path, upcoming, last=following is None)
            done += self._facts[-1].size_bytes
            if self._progress is not None:
                self._progress(done, total)
        if not any(facts.records for facts in self._facts) and self._all_not_sealed():
            raise NotSealedError(f"{paths[0]} is not a sealed file; give *.evs files of a recorder")
        self._chain.times.settle()
        bridged = settle(self._chain.links.holes, self._deletion.deletes, self._findings, part=self._asked.part)
        self._chain.ticks.settle(self._chain.links.holes)
        self._chain.witness.identify(self._chain.keys.device_id)
        self._deletion.settle(bridged, self._present, self._elsewhere(bridged))
        self._name_pruned(bridged)
        self._witness()
        self._chain.policy.settle(
            self._chain.witness.receipts, self._present, self._chain.links.holes, self._deletion.sealed_at
        )
        return self._report(bridged)

    def _file(self, path: Path, upcoming: Beginning | None, *, last: bool) -> None:
        self._findings.file(path.name)
        with SealedFile(path) as file:
            walk = FileWalk(self._chain, file, number_of(path), upcoming, last=last)
            facts, ends = walk.run()
        self._facts.append(facts)
        if ends is not None:
            self._present.setdefault(facts.number, ends)

    def _elsewhere(self, bridged: tuple[Bridged, ...]) -> int:
        """Name the part of a chain that is here; gives the last record of the beginning that is elsewhere."""
        first = min((facts.first_sequence for facts in self._facts if facts.first_sequence is not None), default=0)
        began = first == SEQUENCE_FIRST or any(each.first == SEQUENCE_FIRST for each in bridged)
        if not self._asked.part or (began and self._chain.borders.halted and not self._goes_on()):
            return 0
        detail = (
            f"the records {first} to {self._chain.links.position - 1} are a part of a chain: nothing is said about "
            "what came before them and behind them"
        )
        self._findings.add(Code.PARTIAL, Place(self._facts[0].name, first, len(MAGIC)), detail)
        return 0 if began else first - 1

    def _goes_on(self) -> bool:
        """Whether the store has seen records behind the last one here."""
        return (self._chain.witness.last_sequence or 0) >= self._chain.links.position

    def _all_not_sealed(self) -> bool:
        found = self._findings.sorted()
        return sum(finding.code is Code.NOT_SEALED for finding in found) == len(self._facts)

    def _witness(self) -> None:
        files = {facts.number: facts for facts in self._facts}
        self._chain.witness.settle(self._present, files, self._chain.links, part=self._asked.part)

    def _name_pruned(self, bridged: tuple[Bridged, ...]) -> None:
        for each in bridged:
            detail = f"the records {each.first} to {each.last} were freed after the store had receipted them"
            self._findings.add(Code.PRUNED, Place(file_name(each.file_number), each.first), detail)

    def _report(self, bridged: tuple[Bridged, ...]) -> Report:
        head, sequences = self._chain.links.head, [facts.first_sequence for facts in self._facts]
        return Report(
            device_id=self._chain.keys.device_id,
            grade=self._grade(),
            findings=self._findings.sorted(),
            files=tuple(self._facts),
            pruned=tuple((each.first, each.last) for each in bridged),
            first_sequence=min((each for each in sequences if each is not None), default=None),
            last_sequence=max(
                (facts.last_sequence for facts in self._facts if facts.last_sequence is not None), default=None
            ),
            records=sum(facts.records for facts in self._facts),
            head_hash=None if head is None else head.hex(),
            witnessed_sequence=self._chain.witness.last_sequence,
            anchored_sequence=self._chain.anchors.anchored_sequence,
            policy=self._policy_facts(),
            tail=self._chain.ticks.tail(ended_in_order=self._chain.borders.halted),
            software_versions=self._book.software_versions,
            driver_sets=self._book.driver_sets,
            sessions=self._book.sessions(),
            timeline=self._book.timeline(),
        )

    def _policy_facts(self) -> PolicyFacts | None:
        known = self._trust.policy
        return None if known is None else PolicyFacts(known.number, known.issued_utc_ns, known.digest.hex())

    def _grade(self) -> Assurance | None:
        found = self._chain.keys.assurances
        if not found:
            return None
        allowed = {_OF_BOOT[said] for said in self._chain.borders.grades}
        return min(found | allowed, key=_RANKS.index)


def _counted(paths: Sequence[Path]) -> tuple[list[Path], set[Path]]:
    """Leave out files that a later start or fault says were dropped (step 1).

    The claim is believed here and verified when the file that makes it is read, which is never left out itself by its
    own claim; a file that counts would leave a hole.

    Returns:
        The files that count, and those of them that begin with a start or a fault: each says where the one before ends.
    """
    counted: list[Path] = []
    anew: set[Path] = set()
    dropped: set[int] = set()
    for path in reversed(paths):
        number = number_of(path)
        if number in dropped:
            continue
        counted.append(path)
        found = beginning(path)
        body = None if found is None or found.second is None else found.second.body
        if found is not None and (found.opened.origin is not FileOrigin.NEXT or isinstance(body, Boot | Torn)):
            anew.add(path)
        if isinstance(body, Boot | Torn):
            dropped.update(each for each in body.dropped_files if each < number)
    return counted[::-1], anew
