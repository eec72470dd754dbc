"""What the unit has to be able to say for one profile and its officers, and of which clips a sentence is made.

Rules of this module: pure. A sentence is a tuple of clip keys, an `Utterance`; a fixed sentence has one. What depends
on the moment (times of day, causes, minutes left) is joined from clips that were rendered beforehand, because nothing
is synthesised while recording.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from capture.voice.errors import ReadingError
from capture.voice.language import Language
from capture.voice.numbers import hour_en, hour_zh, minute_en, minute_zh, number_en, number_zh
from capture.voice.reading import SpokenOfficer, in_characters, speakable, spell, with_readings
from capture.voice.wording import (
    BATTERY_AT,
    BREAK_MARKER,
    CAUSE_IN_MARKER,
    CAUSE_NAME,
    CHECK_DEGRADED,
    CHECK_FAILED,
    CHECK_NAMES,
    DUE,
    EARLIER_DAY,
    FIXED,
    LABEL,
    MACHINE_CAUSES,
    MINUTES,
    NOW_RESUMING,
    OFFICER,
    OTHER_CAUSE,
    PERCENT_END,
    RECORDED_AT,
    REMAINING,
    REMINDER,
    REPORT,
    STATEMENT_REQUEST,
    YESTERDAY,
    Line,
    Words,
)

Utterance = tuple[str, ...]
"""Keys of the clips of one sentence, in the order in which they are spoken."""

LARGEST_NUMBER = 240
"""Largest number that has a clip of its own; minutes above are spoken rounded down to it."""
_TEXT_MAX = 2_000
"""As the synthesiser takes; a wording with eight officers' names in pinyin is far shorter."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """One clip to be rendered."""

    key: str
    text: str
    """The words, as a person writes them; what is sealed with a prompt."""
    spoken: str
    """The words as the built-in synthesiser has to get them."""
    language: Language
    plain: str | None = None
    """The words in characters, without pinyin, for an engine of the agency; None where they are the text."""


@dataclass(frozen=True, slots=True)
class VoiceFacts:
    """What the profile and the check-out give to the voice."""

    language: Language = Language.CHINESE
    officers: tuple[SpokenOfficer, ...] = ()
    notice: str | None = None
    """The profile's wording with slots for the names; None where the profile has no notice."""
    notice_language: Language = Language.CHINESE
    """Language of that wording, whatever language the unit speaks otherwise."""
    name_slot: str = "×××"
    """What stands in the wording for one name; {officers} always stands for all of them."""
    statement_items: tuple[str, ...] = ()
    """Items that an officer has to state aloud, in the profile's words (in `language`, or in Chinese)."""
    causes: tuple[tuple[str, Words], ...] = ()
    """The profile's causes of an announced break, code and words, in the order of the menu."""
    mark_categories: tuple[tuple[str, Words], ...] = ()
    """The profile's categories of marks, code and words, in the order of the menu."""
    report_to: str | None = None
    """To whom a recording that cannot go on is reported at once, in the profile's words."""
    end_question: str | None = None
    """What is asked at the finish, where the profile has an end event."""
    reminders: tuple[str, ...] = ()
    """The profile's key content."""
    labels: tuple[tuple[str, Words], ...] = ()
    """What the profile wants recordings to be labelled with, code and words (R22)."""
    one_button: bool = False
    """The unit has no mark button: how to choose is said accordingly."""


def with_names(wording: str, officers: Sequence[SpokenOfficer], name_slot: str = "×××") -> str:
    """Put the officers' names into the slots of a notice.

    However many slots the wording has, all officers are named, and nobody else: without officers the slots vanish.
    """
    names = "、".join(officer.name for officer in officers)
    slot = re.escape(name_slot)
    return re.sub(rf"{slot}(?:(?:、|, | and ){slot})*|\{{officers\}}", lambda _found: names, wording)


class PromptBook:
    """All sentences for one profile and its officers.

    Args:
        facts: What profile and check-out give.

    Raises:
        ReadingError: A name, a reading or a wording cannot be spoken.
    """

    def __init__(self, facts: VoiceFacts) -> None:
        self.facts = facts
        self.language = facts.language
        self._causes = MACHINE_CAUSES | dict(facts.causes)
        self._phrases = {phrase.key: phrase for phrase in self._all()}

    @property
    def phrases(self) -> tuple[Phrase, ...]:
        """Every clip that has to be rendered."""
        return tuple(self._phrases.values())

    def text(self, utterance: Utterance) -> str:
        """The words of a sentence."""
        between = "" if self.language is Language.CHINESE else " "
        return between.join(text for key in utterance if (text := self._phrases[key].text))

    def say(self, line: Line) -> Utterance:
        """A sentence that never changes."""
        return (line.value,)

    def notice(self) -> Utterance | None:
        """The notice to the party with the officers' names (R4); None where the profile has none."""
        return ("notice",) if self.facts.notice else None

    def officers(self) -> Utterance:
        """The officers with their certificate numbers, played back at check-out (R2)."""
        return tuple(f"officer:{place}" for place in range(len(self.facts.officers)))

    def statement_request(self) -> Utterance | None:
        """The request for the voice statement with the profile's items (R5); None where the profile has none."""
        return ("statement.request",) if self.facts.statement_items else None

    def end_question(self) -> Utterance | None:
        """The question for the profile's end event (R6)."""
        return ("recording.end-question",) if self.facts.end_question else None

    def cannot_continue(self) -> Utterance:
        """The recording cannot go on, and to whom that is reported (R9)."""
        return ("report",) if self.facts.report_to else self.say(Line.CANNOT_CONTINUE)

    def reminder(self, place: int) -> Utterance:
        """Reminder of one item of the key content (R7), counted from 0."""
        return (f"reminder:{place}",)

    def check(self, check: str, *, failed: bool) -> Utterance:
        """What one preflight check found (R1)."""
        return (f"{'failed' if failed else 'degraded'}:{check}",)

    def cause_codes(self) -> tuple[str, ...]:
        """Codes of the announced-break menu, in its order."""
        return tuple(code for code, _words in self.facts.causes)

    def cause_name(self, cause: str) -> Utterance:
        """One entry of the announced-break menu."""
        return (f"cause:{self._known(cause)}",)

    def menu(self, opening: Line, entry: Utterance) -> Utterance:
        """A menu's opening: what is chosen, how, and its first entry."""
        how = Line.ONE_BUTTON if self.facts.one_button else Line.TWO_BUTTONS
        return (*self.say(opening), *self.say(how), *entry)

    def mark_category(self, category: str) -> Utterance:
        """One entry of the menu of a mark's categories."""
        return (f"category:{category}",)

    def break_marker(self, cause: str) -> Utterance:
        """The marker at the break: «摄像头故障，录制中断»."""
        return (f"broken:{self._known(cause)}",)

    def resume_marker(self, hour: int, minute: int, cause: str, *, days_ago: int = 0) -> Utterance:
        """The marker at the resumption (R8): «录制于十点三十二分因摄像头故障中断，现恢复录制».

        Args:
            hour: Hour of the break, local civil time.
            minute: Its minute.
            cause: Its code; an unknown one is spoken as «未说明的原因».
            days_ago: Calendar days between break and resumption.
        """
        day = () if days_ago <= 0 else ("day:yesterday",) if days_ago == 1 else ("day:earlier",)
        time = (f"hour:{hour}", f"minute:{minute}")
        return ("resume.at", *day, *time, f"because:{self._known(cause)}", "resume.now")

    def due(self, hour: int, minute: int, *, days_ahead: int) -> Utterance:
        """By when what was recorded has to be handed over (R20): «录制资料应于明日十点三十二分前移交».

        Args:
            hour: Hour of the due time, local civil time.
            minute: Its minute.
            days_ahead: Calendar days from now.
        """
        return ("due.at", *_moment(hour, minute, days_ahead), "due.by")

    def labels_missing(self, codes: Sequence[str]) -> Utterance:
        """That labels are missing, and which of the profile's, in its order (R22)."""
        named = (f"label:{code}" for code, _words in self.facts.labels if code in codes)
        return (*self.say(Line.LABELS_MISSING), *named)

    def labels_due(self, hour: int, minute: int, *, days_ahead: int) -> Utterance:
        """By when they have to be given: «标签应于明日十点三十二分前补齐»; arguments as of `due`."""
        return ("labels.at", *_moment(hour, minute, days_ahead), "labels.by")

    def minutes_left(self, minutes: int) -> Utterance:
        """Recordable minutes that are left, rounded down to what has a clip."""
        return ("remaining", f"number:{_spoken_number(minutes)}", "minutes")

    def battery_at(self, percent: int) -> Utterance:
        """Charge of the battery in percent."""
        end = () if self.language is Language.CHINESE else ("percent",)
        return ("battery.at", f"number:{min(100, max(0, percent))}", *end)

    def _known(self, cause: str) -> str:
        return cause if cause in self._causes else OTHER_CAUSE

    def _all(self) -> Iterator[Phrase]:
        yield from (self._phrase(line.value, words) for line, words in FIXED.items())
        yield from self._checks()
        yield from self._cause_clips()
        yield from self._profile_clips()
        yield from self._officer_clips()
        yield from self._number_clips()

    def _checks(self) -> Iterator[Phrase]:
        for check, name in CHECK_NAMES.items():
            yield self._phrase(f"degraded:{check}", CHECK_DEGRADED[check])
            yield self._phrase(f"failed:{check}", CHECK_FAILED, check=name)

    def _cause_clips(self) -> Iterator[Phrase]:
        for code, words in self._causes.items():
            yield self._phrase(f"cause:{code}", CAUSE_NAME, cause=words)
            yield self._phrase(f"broken:{code}", BREAK_MARKER, cause=words)
            yield self._phrase(f"because:{code}", CAUSE_IN_MARKER, cause=_in_a_sentence(words))

    def _profile_clips(self) -> Iterator[Phrase]:
        """Clips in the profile's own words; the notice is in the language in which the profile words it."""
        facts = self.facts
        if facts.notice:
            text = with_names(facts.notice, facts.officers, facts.name_slot)
            yield self._made("notice", text, text, facts.notice_language)
        if facts.statement_items:
            joined = _listed(facts.statement_items, self.language)
            yield self._phrase("statement.request", STATEMENT_REQUEST, items=Words(joined, joined))
        if facts.report_to:
            yield self._phrase("report", REPORT, addressee=Words(facts.report_to, ""))
        if facts.end_question:
            yield self._phrase("recording.end-question", Words(facts.end_question, facts.end_question))
        for code, words in facts.mark_categories:
            yield self._phrase(f"category:{code}", CAUSE_NAME, cause=words)
        for place, item in enumerate(facts.reminders):
            yield self._phrase(f"reminder:{place}", REMINDER, item=Words(item, item))
        for code, words in facts.labels:
            yield self._phrase(f"label:{code}", LABEL, label=words)

    def _officer_clips(self) -> Iterator[Phrase]:
        for place, officer in enumerate(self.facts.officers):
            name = Words(officer.name, officer.name)
            number = Words(officer.certificate_number, officer.certificate_number)
            phrase = self._phrase(f"officer:{place}", OFFICER, name=name, number=number)
            spelled = phrase.text.replace(officer.certificate_number, spell(officer.certificate_number))
            if self.language is Language.ENGLISH:
                spelled = phrase.text.replace(officer.certificate_number, " ".join(officer.certificate_number))
            yield self._made(phrase.key, phrase.text, spelled, self.language)

    def _number_clips(self) -> Iterator[Phrase]:
        yield self._phrase("resume.at", RECORDED_AT)
        yield self._phrase("resume.now", NOW_RESUMING)
        yield self._phrase("day:yesterday", YESTERDAY)
        yield self._phrase("day:earlier", EARLIER_DAY)
        yield from (self._phrase(key, words) for key, words in DUE.items())
        yield self._phrase("remaining", REMAINING)
        yield self._phrase("minutes", MINUTES)
        yield self._phrase("battery.at", BATTERY_AT)
        if self.language is Language.ENGLISH:
            yield self._phrase("percent", PERCENT_END)
        yield from (self._phrase(f"hour:{hour}", Words(hour_zh(hour), hour_en(hour))) for hour in range(24))
        yield from (
            self._phrase(f"minute:{minute}", Words(minute_zh(minute), minute_en(minute))) for minute in range(60)
        )
        for number in _numbers_with_clips():
            yield self._phrase(f"number:{number}", Words(number_zh(number), number_en(number)))

    def _phrase(self, key: str, words: Words, **slots: Words) -> Phrase:
        filled = {name: slot.said_in(self.language) for name, slot in slots.items()}
        text = words.said_in(self.language).format(**filled) if slots else words.said_in(self.language)
        return self._made(key, text, text, self.language)

    def _made(self, key: str, text: str, said: str, language: Language) -> Phrase:
        plain = in_characters(said) if language is Language.CHINESE else None
        return Phrase(key, text, self._spoken(said, language), language, plain)

    def _spoken(self, text: str, language: Language) -> str:
        officers = self.facts.officers
        return _checked(speakable(text, officers) if language is Language.CHINESE else with_readings(text, officers))


def _moment(hour: int, minute: int, days_ahead: int) -> Utterance:
    soon = ("due:today", "due:tomorrow", "due:day-after")
    day = (soon[days_ahead],) if days_ahead < len(soon) else (f"number:{_spoken_number(days_ahead)}", "due:days")
    return (*day, f"hour:{hour}", f"minute:{minute}")


def _in_a_sentence(cause: Words) -> Words:
    """A cause behind «因»: grounds of a text (R11) begin with that word themselves, or end in «…的»."""
    zh = cause.zh.removeprefix("因")
    return Words(f"{zh}情形" if zh.endswith("的") else zh, cause.en)


def _checked(spoken: str) -> str:
    if not spoken.strip() or len(spoken) > _TEXT_MAX:
        raise ReadingError(f"wording {spoken[:40]!r} has {len(spoken)} characters: a prompt needs 1 to {_TEXT_MAX}")
    return spoken


def _listed(items: Sequence[str], language: Language) -> str:
    if language is Language.ENGLISH:
        return ", ".join(items)
    return "、".join(items[:-1]) + ("和" if len(items) > 1 else "") + items[-1]


def _numbers_with_clips() -> tuple[int, ...]:
    """0 to 100 one by one (percent, minutes), above in steps of ten."""
    return (*range(101), *range(110, LARGEST_NUMBER + 1, 10))


def _spoken_number(number: int) -> int:
    return max(clip for clip in _numbers_with_clips() if clip <= max(0, number))
