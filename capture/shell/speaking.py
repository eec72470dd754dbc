"""From what the machine wants said to a clip: the profile's and the officers' words (R4, R5, R8).

Rules of this module: no playing, no rendering while recording. Words come from the prompt book, sound from the cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from capture.assignment import Assignment
from capture.conditions import Condition
from capture.effects import Phrase, Speak
from capture.profile import CaptureProfile, CauseEntry, ExemptionGround, MarkCategory
from capture.resume import POWER_LOSS
from capture.states import UNCLASSIFIED, Action
from capture.voice.cache import SpokenClip, VoiceCache
from capture.voice.language import Language
from capture.voice.phrases import PromptBook, Utterance, VoiceFacts
from capture.voice.reading import SpokenOfficer
from capture.voice.wording import Line, Words
from sealing.records import CheckVerdict

_SECOND_NS = 1_000_000_000
_LINES = {
    Phrase.NOTICE_BY_OFFICER: Line.NOTICE_BY_OFFICER,
    Phrase.REASON_REQUEST: Line.REASON_REQUEST,
    Phrase.REASON_AGAIN: Line.REASON_AGAIN,
    Phrase.BREAK_WITHDRAWN: Line.BREAK_CANCELLED,
    Phrase.NOT_CHECKED_OUT: Line.NOT_CHECKED_OUT,
    Phrase.NOT_HEARD: Line.NOTICE_UNHEARD,
    Phrase.BLOCKED: Line.PREFLIGHT_BLOCKED,
    Phrase.FAULT: Line.CHAIN_LOST,
    Phrase.TOO_FEW_OFFICERS: Line.TOO_FEW_OFFICERS,
    Phrase.CHECKED_IN: Line.CHECKED_IN,
    Phrase.MEMO_REQUEST: Line.MEMO_REQUEST,
    Phrase.REFUSED: Line.REFUSED,
    Phrase.CLOCK_STEPPED: Line.CLOCK_STEPPED,
    Phrase.DOCKED: Line.DOCKED,
    Phrase.ALL_UPLOADED: Line.ALL_UPLOADED,
    Phrase.NOT_ALL_UPLOADED: Line.NOT_ALL_UPLOADED,
}
_ACTIONS: dict[str, Line] = {
    Action.BREAK: Line.ACTION_BREAK,
    Action.NOTICE: Line.ACTION_NOTICE,
    Action.CATEGORY: Line.ACTION_CATEGORY,
    Action.GROUND: Line.ACTION_GROUND,
}
WARNING_LINES: dict[str, Line] = {
    Condition.MICROPHONE: Line.MICROPHONE_DEAD,
    Condition.BLACK: Line.LENS_COVERED,
    Condition.FROZEN: Line.PICTURE_FROZEN,
    Condition.MEDIUM: Line.STORAGE_FAILS,
    Condition.BATTERY: Line.BATTERY_CRITICAL,
    Condition.SPACE: Line.STORAGE_LOW,
    Condition.SLOW: Line.STORAGE_SLOW,
    Condition.HOT: Line.TOO_HOT,
    Condition.SUPPLY: Line.SUPPLY_WEAK,
    Condition.CLIPPING: Line.SOUND_CLIPS,
    Condition.FRAMES_LOST: Line.FRAMES_LOST,
    Condition.FRAMES_LATE: Line.FRAMES_LATE,
    Condition.SOUND_LOST: Line.SOUND_LOST,
}
"""What is said of each condition that is found while a recording goes on."""


def voice_facts(
    profile: CaptureProfile,
    assignment: Assignment | None,
    language: Language,
    grounds: Sequence[ExemptionGround] = (),
    *,
    labels: Sequence[tuple[str, Words]] = (),
    one_button: bool = False,
) -> VoiceFacts:
    """What profile and check-out give to the voice.

    Args:
        profile: Its section `capture`.
        assignment: Whose names are spoken.
        language: Of the unit's own words.
        grounds: On which the profile's text lets officers not record (R11); spoken like causes.
        labels: What the profile wants recordings to be labelled with, code and words (R22).
        one_button: The unit has no mark button.
    """
    notice, statement = profile.notice, profile.statement
    officers = () if assignment is None else assignment.officers
    wording = None if notice is None else notice.wording
    notice_language = Language.CHINESE
    if notice is not None and notice.wording_en is not None and language is Language.ENGLISH:
        wording, notice_language = notice.wording_en, Language.ENGLISH
    items: tuple[str, ...] = ()
    if statement is not None:
        english = language is Language.ENGLISH and bool(statement.items_en)
        items = statement.items_en if english else statement.items
    return VoiceFacts(
        language=language,
        officers=tuple(
            SpokenOfficer(officer.name, officer.certificate_number, officer.reading)
            for officer in officers
            if officer.name
        ),
        notice=wording,
        notice_language=notice_language,
        name_slot="×××" if notice is None or notice.name_slot is None else notice.name_slot,
        statement_items=items,
        causes=(*_worded(profile.interruptions.causes), *_worded(grounds)),
        mark_categories=_worded(profile.marks.categories),
        report_to=profile.interruptions.report_to,
        end_question=profile.recording.end_question,
        reminders=_reminders(profile, assignment),
        labels=tuple(labels),
        one_button=one_button,
    )


def _reminders(profile: CaptureProfile, assignment: Assignment | None) -> tuple[str, ...]:
    if not profile.marks.reminders:
        return ()
    of_activity = () if assignment is None else tuple(assignment.key_content)
    return profile.marks.key_content or of_activity


def _worded(entries: Sequence[CauseEntry | ExemptionGround | MarkCategory]) -> tuple[tuple[str, Words], ...]:
    return tuple((each.code, Words(each.zh, each.en)) for each in entries)


class Speech:
    """Makes clips of wishes.

    Args:
        cache: Where the clips stand.
        book: What can be said for the profile and the officers who are checked out.
        zone: Local civil time.
    """

    def __init__(self, cache: VoiceCache, book: PromptBook, zone: tzinfo) -> None:
        self._cache = cache
        self._zone = zone
        self.book = book
        """Replaced at a check-out, by the thread that renders."""

    def clip(self, wish: Speak, now_utc_ns: int) -> SpokenClip:
        """The clip for a wish; a tone stands in for words that are missing.

        Args:
            wish: What is to be said.
            now_utc_ns: Civil time, for words that name a day.
        """
        return self._cache.joined_or_tone(self.utterance(wish, now_utc_ns))

    def utterance(self, wish: Speak, now_utc_ns: int) -> Utterance:
        """The clips of which the words are made."""
        if wish.phrase in _LINES:
            return self.book.say(_LINES[wish.phrase])
        if wish.phrase is Phrase.WARNING and wish.cause in WARNING_LINES:
            return self._warning(wish.cause, wish.number)
        return self._of_profile(wish) or self._of_menu(wish) or self._of_break(wish, now_utc_ns)

    def _of_profile(self, wish: Speak) -> Utterance | None:
        """What the profile and the officers word."""
        book = self.book
        match wish.phrase:
            case Phrase.NOTICE:
                return book.notice()
            case Phrase.STATEMENT_REQUEST:
                return book.statement_request()
            case Phrase.STATEMENT_AGAIN:
                return (*book.say(Line.STATEMENT_AGAIN), *(book.statement_request() or ()))
            case Phrase.REMINDER:
                return book.reminder(wish.number or 0)
            case Phrase.PREFLIGHT:
                return self._preflight(wish.codes)
            case Phrase.OFFICERS:
                return (*book.say(Line.CHECKED_OUT), *book.officers())
            case Phrase.END:
                return (*(book.end_question() or ()), *book.say(Line.FINISHED))
            case _:
                return None

    def _of_menu(self, wish: Speak) -> Utterance | None:
        """How a menu opens, and its entries."""
        book, code = self.book, wish.cause or UNCLASSIFIED
        match wish.phrase:
            case Phrase.CAUSE_MENU:
                return book.menu(Line.CHOOSE_CAUSE, book.cause_name(code))
            case Phrase.GROUND_MENU:
                return book.menu(Line.CHOOSE_GROUND, book.cause_name(code))
            case Phrase.CATEGORY_MENU:
                return book.menu(Line.CHOOSE_CATEGORY, book.mark_category(code))
            case Phrase.ACTION_MENU:
                return book.menu(Line.CHOOSE_ACTION, book.say(_ACTIONS[code]))
            case Phrase.ACTION:
                return book.say(_ACTIONS[code])
            case Phrase.CATEGORY:
                return book.mark_category(code)
            case _:
                return None

    def _of_break(self, wish: Speak, now_utc_ns: int) -> Utterance:
        """What names a cause."""
        book, cause = self.book, wish.cause or UNCLASSIFIED
        match wish.phrase:
            case Phrase.CAUSE:
                return book.cause_name(cause)
            case Phrase.BREAK_MARKER_PRESS:
                return (*book.break_marker(cause), *book.say(Line.PRESS_TO_RESUME))
            case Phrase.DUE | Phrase.LABELS:
                return self._owed(wish, now_utc_ns)
            case Phrase.CANNOT_CONTINUE:
                return book.cannot_continue()
            case Phrase.RESUME_MARKER:
                return self._resume_marker(wish, cause, now_utc_ns)
            case Phrase.PRESS_TO_RESUME:
                return book.say(Line.POWER_LOSS_PRESS if cause == POWER_LOSS else Line.PRESS_TO_RESUME)
            case _:
                return book.break_marker(cause)

    def _resume_marker(self, wish: Speak, cause: str, now_utc_ns: int) -> Utterance:
        if wish.at_utc_ns is None:
            return (*self.book.break_marker(cause), "resume.now")
        broken, now = self._local(wish.at_utc_ns), self._local(now_utc_ns)
        days_ago = (now.date() - broken.date()).days
        return self.book.resume_marker(broken.hour, broken.minute, cause, days_ago=days_ago)

    def _owed(self, wish: Speak, now_utc_ns: int) -> Utterance:
        """By when recordings are to be handed over, or which of their labels are to be given and by when."""
        book, of_labels = self.book, wish.phrase is Phrase.LABELS
        missing = book.labels_missing(wish.codes) if of_labels else ()
        if of_labels and wish.at_utc_ns is None:
            return missing
        due, now = self._local(wish.at_utc_ns or now_utc_ns), self._local(now_utc_ns)
        if due < now:
            return (*missing, *book.say(Line.LABELS_OVERDUE if of_labels else Line.OVERDUE))
        if (due.hour, due.minute) == (0, 0):
            # A day's end is said as that day's last minute, not as the next day's first.
            due -= timedelta(minutes=1)
        until = book.labels_due if of_labels else book.due
        return (*missing, *until(due.hour, due.minute, days_ahead=(due.date() - now.date()).days))

    def _warning(self, condition: str, minutes: int | None) -> Utterance:
        left = () if minutes is None else self.book.minutes_left(minutes)
        return (*self.book.say(WARNING_LINES[condition]), *left)

    def _preflight(self, codes: tuple[str, ...]) -> Utterance:
        if not codes:
            return (*self.book.say(Line.PREFLIGHT_GOOD), *self.book.say(Line.STARTED))
        found = [code.partition(":") for code in codes]
        clips = [self.book.check(check, failed=verdict == CheckVerdict.FAIL) for check, _, verdict in found]
        return (*(key for clip in clips for key in clip), *self.book.say(Line.STARTED))

    def _local(self, utc_ns: int) -> datetime:
        return datetime.fromtimestamp(utc_ns / _SECOND_NS, UTC).astimezone(self._zone)
